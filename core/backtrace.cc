#include "colibri/core/backtrace.h"

#include <fmt/format.h>

#include <memory>
#include <new>
#include <utility>

#include "colibri/core/bypass.h"
#include "colibri/core/frame_walk.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/thread_state.h"
#include "colibri/core/unwinder.h"

namespace colibri {
namespace {

/// The caller's stack without the caller itself.
[[gnu::noinline]] StackAddresses own_addresses() {
  unw_context_t context;
  unw_cursor_t cursor;
  unw_getcontext(&context);
  if (unw_init_local(&cursor, &context) != 0 || unw_step(&cursor) <= 0) return {};
  if (unw_step(&cursor) <= 0) return {};
  return walk_addresses(cursor);
}

}  // namespace

[[gnu::noinline]] Backtrace capture_backtrace() {
  const Bypass bypass;
  prepare_unwinder();
  Backtrace backtrace = with_names(own_addresses(), true);
  asm volatile("" : : : "memory");  // no jump: the frame is counted on
  return backtrace;
}

namespace {

/// What a look at a parked coroutine finds. In the heap, since the looker's own stack may have to
/// make room.
struct Look {
  const ControlBlock& coroutine;
  StackAddresses found;

  static void walk_from_there(void* look) noexcept {
    auto& self = *static_cast<Look*>(look);
    unw_context_t context;
    unw_cursor_t cursor;
    unw_getcontext(&context);
    put_registers(context, saved_registers(self.coroutine.stack_pointer));
    if (unw_init_local(&cursor, &context) != 0) return;
    try {
      self.found = walk_addresses(cursor);
    } catch (const std::bad_alloc&) {
      // Nothing is found, then.
    }
  }
};

}  // namespace

StackAddresses capture_addresses(const ControlBlock& coroutine) {
  const Bypass bypass;
  prepare_unwinder();
  if (coroutine.on_shared_stack() && coroutine.stack_pointer == nullptr) return {};  // never ran
  const auto look = std::make_unique<Look>(Look{coroutine, {}});
  if (thread_state.shared_stacks == nullptr) {
    Look::walk_from_there(look.get());
  } else {
    thread_state.shared_stacks->look_at(const_cast<ControlBlock&>(coroutine),
                                        &Look::walk_from_there, look.get());
  }
  return std::move(look->found);
}

Backtrace capture_backtrace(const ControlBlock& coroutine) {
  if (&coroutine == thread_state.current) return capture_backtrace();
  return with_names(capture_addresses(coroutine), false);
}

std::string to_string(const Backtrace& backtrace) {
  std::string text;
  for (std::size_t i = 0; i < backtrace.size(); ++i) {
    const StackFrame& frame = backtrace[i];
    text += fmt::format("  #{} {:#x} {}+{:#x}\n", i, frame.instruction_pointer,
                        frame.function.empty() ? "?" : frame.function, frame.offset);
  }
  return text;
}

}  // namespace colibri
