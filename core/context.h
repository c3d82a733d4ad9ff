// The context switch: saves the callee-saved registers of one flow of control on its stack and
// takes those of another from its stack. The only header that knows the architecture.
//
// Saved: rbx rbp r12-r15 (x86-64); x19-x30 d8-d15 (aarch64). Not saved, on purpose: the control
// words of x87 and SSE (FPCR on aarch64), which all coroutines of a thread share. A coroutine that
// changes the rounding mode must restore it before it parks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colibri {

/// Where a suspended flow of control lies: the stack pointer under which its registers are saved.
using StackPointer = void*;

/// What runs first on a new stack. Returns the flow that runs next: the stack is then left for
/// good.
using ContextEntry = StackPointer (*)(void* argument);

extern "C" {

/// Saves the running flow, writes its stack pointer to `*save` and continues `target`.
/// Returns when somebody switches back. Ends in `ret`: best where every flow leaves from the same
/// call site, as in a scheduler's ring, since the processor's return stack then predicts it.
void colibri_context_switch(StackPointer* save, StackPointer target) noexcept;

/// The same switch, ending in an indirect jump: best where two call sites alternate, as resume and
/// yield do, since each target then has a branch-predictor entry of its own.
void colibri_context_jump(StackPointer* save, StackPointer target) noexcept;

/// Saves the running flow as the two above do, calls `choose(argument)` on the stack that ends at
/// `stack_top` (a multiple of 16), and continues the flow that it returns. For work that must not
/// be done on the stack that is being left, such as copying it.
void colibri_context_switch_through(StackPointer* save, void* stack_top, ContextEntry choose,
                                    void* argument) noexcept;

/// First instruction of every coroutine; its unwind information says that no frame lies above.
void colibri_context_entry() noexcept;
}

/// The registers of a suspended flow, for unwinders: what they will be once it runs again.
struct SavedRegisters {
  std::uintptr_t instruction_pointer = 0;
  std::uintptr_t stack_pointer = 0;
  std::uintptr_t frame_pointer = 0;
#if defined(__x86_64__)
  static constexpr std::size_t kCalleeSavedCount = 5;  // rbx, r12, r13, r14, r15
#elif defined(__aarch64__)
  static constexpr std::size_t kCalleeSavedCount = 10;  // x19 to x28
#else
#error "colibri has no context switch for this architecture; see core/context.h"
#endif
  std::uintptr_t callee_saved[kCalleeSavedCount] = {};
};

/// For loops that wait for another processor: lets its twin go ahead.
inline void pause_processor() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

/// What systems of this architecture have as pages at most.
#if defined(__x86_64__)
inline constexpr std::size_t kLargestPageBytes = 4096;
#else
inline constexpr std::size_t kLargestPageBytes = 65536;
#endif

/// Room for the first frame of a flow.
struct alignas(16) FirstFrame {
#if defined(__x86_64__)
  std::byte bytes[64];
#else
  std::byte bytes[160];
#endif
};

/// Lays the first frame of a new flow below `stack_top` (any alignment) and returns the stack
/// pointer to switch to: `entry(argument)` then runs there.
StackPointer make_context(void* stack_top, ContextEntry entry, void* argument) noexcept;

/// The same, with the first frame in `frame`, which must stay until the flow has begun: for stacks
/// that somebody else uses until then. It may be begun any number of times.
StackPointer make_context(FirstFrame& frame, void* stack_top, ContextEntry entry,
                          void* argument) noexcept;

/// Reads the registers of a flow that is suspended at `stack_pointer`.
SavedRegisters saved_registers(StackPointer stack_pointer) noexcept;

/// The stack pointer of the code that a signal interrupted; `context` is what its handler got.
std::uintptr_t interrupted_stack_pointer(const void* context) noexcept;

/// Whether it was interrupted by an address of a form that no memory has (x86-64 only): the kernel
/// then names no address, as when it sends a signal by itself.
bool interrupted_by_malformed_address(const void* context) noexcept;

}  // namespace colibri
