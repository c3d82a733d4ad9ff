#include "colibri/core/context.h"

#include <ucontext.h>

#include <cstring>
#include <new>

namespace colibri {
namespace {

#if defined(__x86_64__)

/// What a switch leaves on a stack, from the stack pointer up.
struct SavedFrame {
  std::uintptr_t rbx, rbp, return_address;
};

/// What colibri_context_entry wants to find.
struct FirstFrame : SavedFrame {
  std::uintptr_t entry, argument, top;
};
static_assert(sizeof(FirstFrame) == 48, "context_x86_64.S pops six words");

constexpr std::size_t kNopBytes = 1;

void fill(FirstFrame& frame, std::uintptr_t top, ContextEntry entry, void* argument) noexcept {
  frame.rbx = frame.rbp = 0;
  frame.return_address = reinterpret_cast<std::uintptr_t>(&colibri_context_entry) + kNopBytes;
  frame.entry = reinterpret_cast<std::uintptr_t>(entry);
  frame.argument = reinterpret_cast<std::uintptr_t>(argument);
  frame.top = top;
}

SavedRegisters registers_of(const SavedFrame& frame) noexcept {
  SavedRegisters registers;
  registers.instruction_pointer = frame.return_address;
  registers.frame_pointer = frame.rbp;
  registers.callee_saved[0] = frame.rbx;
  return registers;
}

std::uintptr_t stack_pointer_of(const mcontext_t& machine) noexcept {
  return static_cast<std::uintptr_t>(machine.gregs[REG_RSP]);
}

bool is_general_protection(const mcontext_t& machine) noexcept {
  return machine.gregs[REG_TRAPNO] == 13;
}

#elif defined(__aarch64__)

/// What a switch leaves on a stack, from the stack pointer up.
struct SavedFrame {
  std::uintptr_t d8_to_d15[8];
  std::uintptr_t x19_to_x28[10];
  std::uintptr_t x29, x30;
};
static_assert(sizeof(SavedFrame) == 160, "context_aarch64.S saves twenty registers");

constexpr std::size_t kNopBytes = 4;

using FirstFrame = SavedFrame;

void fill(FirstFrame& frame, std::uintptr_t /*top*/, ContextEntry entry, void* argument) noexcept {
  frame.x19_to_x28[0] = reinterpret_cast<std::uintptr_t>(entry);
  frame.x19_to_x28[1] = reinterpret_cast<std::uintptr_t>(argument);
  frame.x30 = reinterpret_cast<std::uintptr_t>(&colibri_context_entry) + kNopBytes;
}

SavedRegisters registers_of(const SavedFrame& frame) noexcept {
  SavedRegisters registers;
  registers.instruction_pointer = frame.x30;
  registers.frame_pointer = frame.x29;
  std::memcpy(registers.callee_saved, frame.x19_to_x28, sizeof registers.callee_saved);
  return registers;
}

std::uintptr_t stack_pointer_of(const mcontext_t& machine) noexcept {
  return machine.sp;
}

bool is_general_protection(const mcontext_t& /*machine*/) noexcept {
  return false;
}

#endif

// Both ABIs demand a stack pointer that is a multiple of 16 where a call follows.
std::uintptr_t aligned(void* stack_top) noexcept {
  return reinterpret_cast<std::uintptr_t>(stack_top) & ~std::uintptr_t{15};
}

}  // namespace

StackPointer make_context(void* stack_top, ContextEntry entry, void* argument) noexcept {
  const std::uintptr_t top = aligned(stack_top);
  auto* frame = ::new (reinterpret_cast<void*>(top - sizeof(FirstFrame))) FirstFrame;
  fill(*frame, top, entry, argument);
  return frame;
}

SavedRegisters saved_registers(StackPointer stack_pointer) noexcept {
  const auto* frame = static_cast<const SavedFrame*>(stack_pointer);
  SavedRegisters registers = registers_of(*frame);
  registers.stack_pointer = reinterpret_cast<std::uintptr_t>(stack_pointer) + sizeof(SavedFrame);
  return registers;
}

std::uintptr_t interrupted_stack_pointer(const void* context) noexcept {
  return stack_pointer_of(static_cast<const ucontext_t*>(context)->uc_mcontext);
}

bool interrupted_by_malformed_address(const void* context) noexcept {
  return is_general_protection(static_cast<const ucontext_t*>(context)->uc_mcontext);
}

}  // namespace colibri
