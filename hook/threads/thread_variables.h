// Thread-local variables (__thread, thread_local) of the program and its libraries, where each
// thread that is a coroutine has its own.
//
// The compiler and the loader have fixed where they lie, once for each thread of the kernel's. So
// their bytes are exchanged: those of the thread that ran last lie there, and those of all others
// are put aside. They are exchanged when another one runs, and not when the scheduler's loop does
// between two slices of the same. An address of one that its own thread keeps stays good; one that
// another thread keeps shows the variable of whoever runs.
//
//   put aside ──its thread runs──▶ in place ──another thread runs──▶ put aside
//
// Objects are looked for at the beginning, and when the loader has a new one; they begin as the
// loader has them begin. A signal handler that changes such a variable in the midst of an exchange
// may change another thread's.
#pragma once

#include <cstddef>

#include "colibri/hook/threads/emulated_thread.h"

namespace colibri::thread_variables {

/// From now on each thread has its own. In main's coroutine, whose are those in place. Ends the
/// process with a sentence when there is no memory.
void begin() noexcept;

/// True since begin. Any thread.
bool are_own() noexcept;

// All that follow have no effect, and give is true, before begin. On the scheduler's thread.

/// Makes those of `thread`, a new one, which begin as in any new thread. False when there is no
/// memory.
bool give(EmulatedThread& thread) noexcept;

/// `thread` has ended, or never began: frees them. What lies in place is nobody's then.
void take_away(EmulatedThread& thread) noexcept;

/// Those of `coroutine`, if it is a thread, are in place from now on.
void bring_in(const ControlBlock& coroutine) noexcept;

/// Objects may have been removed: forgets what belonged to them.
void look_again() noexcept;

}  // namespace colibri::thread_variables
