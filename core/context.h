// The context switch: leaves one flow of control, whose registers are saved on its stack, and goes
// on with another. The only header that knows the architecture.
//
// Kept over a switch: rbx rbp r12-r15 (x86-64); x19-x30 d8-d15 (aarch64). Not kept, on purpose: the
// control words of x87 and SSE (FPCR on aarch64), which all coroutines of a thread share. A
// coroutine that changes the rounding mode must restore it before it parks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace colibri {

/// Where a suspended flow of control lies: the stack pointer under which its registers are saved.
using StackPointer = void*;

/// What runs first on a new stack. Returns the flow that runs next: the stack is then left for
/// good.
using ContextEntry = StackPointer (*)(void* argument);

extern "C" {

/// Saves the running flow, writes its stack pointer to `*save` and continues `target`.
/// Returns when somebody switches back. Usually wanted: switch_context.
void colibri_context_switch(StackPointer* save, StackPointer target) noexcept;

/// Saves the running flow in the same way, calls `choose(argument)` on the stack that ends at
/// `stack_top` (a multiple of 16), and continues the flow that it returns. For work that must not
/// be done on the stack that is being left, such as copying it.
void colibri_context_switch_through(StackPointer* save, void* stack_top, ContextEntry choose,
                                    void* argument) noexcept;

/// First instruction of every coroutine; its unwind information says that no frame lies above.
void colibri_context_entry() noexcept;
}

/// colibri_context_switch, inlined.
///
/// The processor predicts each `ret` by a stack of its own, which knows of calls and nothing of
/// switches. A switch that is called and ends in `ret` is predicted only where the flow that goes
/// on was left at the same place; one that is called and ends in a jump leaves an entry too many,
/// for which every return further up pays. Both cost some ten nanoseconds, several times the
/// switch. So here nothing is called, and the way to the other flow is a jump, which is predicted
/// by its history: flows that were left in functions of the same depth then return as predicted.
/// And only such registers are saved as are in use here.
///
/// Ends the process if `target` is null.
[[gnu::always_inline]] inline void switch_context(StackPointer* save,
                                                  StackPointer target) noexcept {
  // Nobody has left that flow. And with a call in it, that is not its last act, no function keeps
  // variables below its stack pointer, where this pushes: there is no attribute to say so.
  if (target == nullptr) [[unlikely]]
    std::abort();
#if defined(__x86_64__)
  // rbx and rbp by hand: compilers may have uses for them that a clobber cannot undo.
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "pushq %%rbp\n\t"
      "pushq %%rbx\n\t"
      "movq %%rsp, (%0)\n\t"
      "movq %1, %%rsp\n\t"
      "popq %%rbx\n\t"
      "popq %%rbp\n\t"
      "popq %%rcx\n\t"
      "jmpq *%%rcx\n"
      "1:"
      : "+D"(save), "+S"(target)
      :
      : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory",
        "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "xmm0", "xmm1", "xmm2",
        "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15"
#if defined(__AVX512F__)
        ,
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6",
        "k7"
#endif
  );
#else
  colibri_context_switch(save, target);
#endif
}

/// The registers of a suspended flow, for unwinders: what they will be once it runs again.
struct SavedRegisters {
  std::uintptr_t instruction_pointer = 0;
  std::uintptr_t stack_pointer = 0;
  std::uintptr_t frame_pointer = 0;
#if defined(__x86_64__)
  static constexpr std::size_t kCalleeSavedCount = 1;  // rbx; others are restored by the flow
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

/// A counter that goes on at a steady rate, whatever the processor does. Costs less than a clock.
inline std::uint64_t processor_ticks() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  std::uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#endif
}

/// The calling thread's block of the loader's, by which thread-local variables are found.
inline void* thread_pointer() noexcept {
  void* pointer;
#if defined(__x86_64__)
  asm("movq %%fs:0, %0" : "=r"(pointer));
#else
  asm("mrs %0, tpidr_el0" : "=r"(pointer));
#endif
  return pointer;
}

/// How often the loader has added and removed objects with thread-local variables, as far as it has
/// told the calling thread: it does so before the thread first uses one that came later. A word of
/// glibc's that debuggers read, too.
inline std::size_t thread_data_generation() noexcept {
#if defined(__x86_64__)
  constexpr int kTable = 1;
#else
  constexpr int kTable = 0;
#endif
  return **static_cast<std::size_t**>(
      static_cast<void*>(static_cast<void**>(thread_pointer()) + kTable));
}

/// What systems of this architecture have as pages at most.
#if defined(__x86_64__)
inline constexpr std::size_t kLargestPageBytes = 4096;
#else
inline constexpr std::size_t kLargestPageBytes = 65536;
#endif

/// Lays the first frame of a new flow below `stack_top` (any alignment) and returns the stack
/// pointer to switch to: `entry(argument)` then runs there.
StackPointer make_context(void* stack_top, ContextEntry entry, void* argument) noexcept;

/// Reads the registers of a flow that is suspended at `stack_pointer`.
SavedRegisters saved_registers(StackPointer stack_pointer) noexcept;

/// The stack pointer of the code that a signal interrupted; `context` is what its handler got.
std::uintptr_t interrupted_stack_pointer(const void* context) noexcept;

/// Whether it was interrupted by an address of a form that no memory has (x86-64 only): the kernel
/// then names no address, as when it sends a signal by itself.
bool interrupted_by_malformed_address(const void* context) noexcept;

}  // namespace colibri
