// The alternate signal stack: where signal handlers run when a coroutine's own stack has no room
// left.
#pragma once

#include <signal.h>

namespace colibri {

/// Gives the calling thread an alternate signal stack, which goes with the thread. One that the
/// program has set itself stays, unless a handler of ours would not fit. Without memory for one,
/// nothing happens.
void ensure_alternate_stack() noexcept;

/// What colibri has given the calling thread, before or while the program gives it none of its own;
/// ss_sp is null: nothing. The program never sees it: sigaltstack says that there is none, and
/// brings it back when the program takes its own away.
inline constinit thread_local stack_t own_alternate_stack{};

}  // namespace colibri
