#include "colibri/core/frame_walk.h"

#include <cxxabi.h>
#include <ucontext.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "colibri/core/bypass.h"
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

}  // namespace

StackAddresses walk_addresses(unw_cursor_t& cursor) {
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

Backtrace walk_frames(unw_cursor_t& cursor) {
  return with_names(walk_addresses(cursor), false);
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
  // By itself the unwinder would look one instruction back, as for a frame that waits for a call.
  if (unw_init_local2(&cursor, &context, UNW_INIT_SIGNAL_FRAME) != 0) return frame;
  char name[512];
  unw_word_t offset = 0;
  const int found = unw_get_proc_name(&cursor, name, sizeof name, &offset);
  if (found == 0 || found == -UNW_ENOMEM) {
    frame.function = demangle(name);
    frame.offset = offset + back;
  }
  return frame;
}

void put_registers(unw_context_t& context, const SavedRegisters& saved) noexcept {
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

}  // namespace colibri
