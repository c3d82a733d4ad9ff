#include "colibri/core/backtrace.h"

#define UNW_LOCAL_ONLY
#include <cxxabi.h>
#include <fmt/format.h>
#include <libunwind.h>
#include <ucontext.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include "colibri/core/bypass.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/thread_state.h"
#include "colibri/core/unwinder.h"

namespace colibri {
namespace {

constexpr std::size_t kMostFrames = 256;

std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? readable.get() : name;
}

Backtrace walk(unw_cursor_t& cursor) {
  Backtrace backtrace;
  do {
    StackFrame frame;
    unw_word_t instruction_pointer = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &instruction_pointer) != 0 || instruction_pointer == 0) {
      break;
    }
    frame.instruction_pointer = instruction_pointer;
    char name[512];
    unw_word_t offset = 0;
    const int found = unw_get_proc_name(&cursor, name, sizeof name, &offset);
    if (found == 0 || found == -UNW_ENOMEM) {
      frame.function = demangle(name);
      frame.offset = offset;
    }
    backtrace.push_back(std::move(frame));
  } while (backtrace.size() < kMostFrames && unw_step(&cursor) > 0);
  return backtrace;
}

/// A context as unw_getcontext would have filled it in at the flow's departure.
void put_registers(unw_context_t& context, const SavedRegisters& saved) {
#if defined(__x86_64__)
  auto& registers = context.uc_mcontext.gregs;
  constexpr int kNumbers[] = {REG_RBX};
  registers[REG_RIP] = static_cast<greg_t>(saved.instruction_pointer);
  registers[REG_RSP] = static_cast<greg_t>(saved.stack_pointer);
  registers[REG_RBP] = static_cast<greg_t>(saved.frame_pointer);
  for (std::size_t i = 0; i < SavedRegisters::kCalleeSavedCount; ++i) {
    registers[kNumbers[i]] = static_cast<greg_t>(saved.callee_saved[i]);
  }
#else
  auto& machine = context.uc_mcontext;
  machine.pc = saved.instruction_pointer;
  machine.sp = saved.stack_pointer;
  machine.regs[29] = saved.frame_pointer;
  for (std::size_t i = 0; i < SavedRegisters::kCalleeSavedCount; ++i) {
    machine.regs[19 + i] = saved.callee_saved[i];
  }
#endif
}

}  // namespace

[[gnu::noinline]] Backtrace capture_backtrace() {
  const Bypass bypass;
  prepare_unwinder();
  unw_context_t context;
  unw_cursor_t cursor;
  unw_getcontext(&context);
  if (unw_init_local(&cursor, &context) != 0 || unw_step(&cursor) <= 0) return {};
  return walk(cursor);
}

namespace {

/// What a look at a parked coroutine finds. In the heap, since the looker's own stack may have to
/// make room.
struct Look {
  const ControlBlock& coroutine;
  Backtrace found;

  static void walk_from_there(void* look) noexcept {
    auto& self = *static_cast<Look*>(look);
    unw_context_t context;
    unw_cursor_t cursor;
    unw_getcontext(&context);
    put_registers(context, saved_registers(self.coroutine.stack_pointer));
    if (unw_init_local(&cursor, &context) != 0) return;
    try {
      self.found = walk(cursor);
    } catch (const std::bad_alloc&) {
      // Nothing is found, then.
    }
  }
};

}  // namespace

Backtrace capture_backtrace(const ControlBlock& coroutine) {
  if (&coroutine == thread_state.current) return capture_backtrace();
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
