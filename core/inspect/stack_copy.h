// A stack as it was at one moment: a copy of its innermost bytes and of its registers.
//
// Walking up a stack takes locks, of the loader's and of the unwinder's, and so is nothing for the
// handler of a signal that may have interrupted just those. Copying takes none. Who wants to see
// the stack of another thread, or of a flow that will go on, has it copied there and walks through
// the copy in peace.
#pragma once

#include <ucontext.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "colibri/core/backtrace.h"
#include "colibri/core/control_block.h"

namespace colibri {

/// Large: never on a coroutine's stack. Whoever fills it must be done before another reads it.
struct StackCopy {
  /// What lies further up is not copied; the walk then ends there.
  static constexpr std::size_t kMostBytes = 64 * 1024;

  ucontext_t registers{};
  bool interrupted = false;  // by a signal; otherwise the flow left by a call
  std::uintptr_t low = 0;    // where the bytes belong
  std::size_t size = 0;
  std::array<std::byte, kMostBytes> bytes;
};

/// The code that a signal interrupted; `context` is what its handler got. Signal handlers may call
/// it.
void copy_interrupted(StackCopy& copy, const ucontext_t& context) noexcept;

/// A thread that sits in a system call, made at `instruction_pointer` with `stack_pointer`. Its
/// other registers are not known: the walk ends below the first function that needs them. Any
/// thread. The caller sees to it that the thread sat there all the while.
void copy_in_system_call(StackCopy& copy, std::uintptr_t stack_pointer,
                         std::uintptr_t instruction_pointer) noexcept;

/// A coroutine that does not run; false if it never has, or its bytes cannot be read (they are
/// closed in the check mode of shared stacks). On its own thread; signal handlers may call it.
bool copy_parked(StackCopy& copy, const ControlBlock& coroutine) noexcept;

/// Whether one of the copy's words is `value`.
bool holds_word(const StackCopy& copy, std::uintptr_t value) noexcept;

/// Where the functions of the innermost frames begin, `most` at most: what stays the same when the
/// same code is caught again a few instructions further on. Any thread, outside coroutines. Throws
/// std::bad_alloc.
std::vector<std::uintptr_t> functions_of(const StackCopy& copy, std::size_t most);

/// The frames, innermost first. Any thread, outside coroutines. Throws std::bad_alloc.
Backtrace walk(const StackCopy& copy);

}  // namespace colibri
