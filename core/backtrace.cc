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

/// Where the present frame's instruction pointer was found; 0 if not in memory.
std::uintptr_t place_of_return(unw_cursor_t& cursor) noexcept {
  unw_save_loc_t location{};
  const bool known = unw_get_save_loc(&cursor, UNW_REG_IP, &location) == 0;
  return known && location.type == UNW_SLT_MEMORY ? location.u.addr : 0;
}

StackAddresses walk(unw_cursor_t& cursor) {
  StackAddresses addresses;
  do {
    unw_word_t instruction_pointer = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &instruction_pointer) != 0 || instruction_pointer == 0) {
      break;
    }
    addresses.push_back({instruction_pointer, place_of_return(cursor)});
  } while (addresses.size() < kMostFrames && unw_step(&cursor) > 0);
  return addresses;
}

Backtrace with_names(const StackAddresses& addresses, bool begins_with_a_call) {
  Backtrace backtrace;
  for (const StackAddress& address : addresses) {
    const bool innermost = backtrace.empty() && !begins_with_a_call;
    backtrace.push_back(name_frame(address.instruction_pointer, innermost));
  }
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

/// The caller's stack without the caller itself.
[[gnu::noinline]] StackAddresses own_addresses() {
  unw_context_t context;
  unw_cursor_t cursor;
  unw_getcontext(&context);
  if (unw_init_local(&cursor, &context) != 0 || unw_step(&cursor) <= 0) return {};
  if (unw_step(&cursor) <= 0) return {};
  return walk(cursor);
}

}  // namespace

[[gnu::noinline]] Backtrace capture_backtrace() {
  const Bypass bypass;
  prepare_unwinder();
  Backtrace backtrace = with_names(own_addresses(), true);
  asm volatile("" : : : "memory");  // no jump: the frame is counted on
  return backtrace;
}

StackFrame name_frame(std::uintptr_t instruction_pointer, bool innermost) {
  const Bypass bypass;
  prepare_unwinder();
  StackFrame frame;
  frame.instruction_pointer = instruction_pointer;
  // A call that never returns may be the last instruction of its function: what lies behind it
  // belongs to another one.
  const std::uintptr_t back = innermost ? 0 : 1;
  unw_context_t context;
  unw_cursor_t cursor;
  unw_getcontext(&context);
  put_registers(context, {.instruction_pointer = instruction_pointer - back});
  if (unw_init_local(&cursor, &context) != 0) return frame;
  char name[512];
  unw_word_t offset = 0;
  const int found = unw_get_proc_name(&cursor, name, sizeof name, &offset);
  if (found == 0 || found == -UNW_ENOMEM) {
    frame.function = demangle(name);
    frame.offset = offset + back;
  }
  return frame;
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
      self.found = walk(cursor);
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
