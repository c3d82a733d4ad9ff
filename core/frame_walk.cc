#include "colibri/core/frame_walk.h"

#include <cxxabi.h>
#include <ucontext.h>

#include <cstdlib>
#include <memory>
#include <utility>

namespace colibri {
namespace {

constexpr std::size_t kMostFrames = 256;

std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? readable.get() : name;
}

}  // namespace

Backtrace walk_frames(unw_cursor_t& cursor) {
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
