// The alternate signal stack on which colibri's own handlers run.
#pragma once

#include <signal.h>

namespace colibri {

/// What colibri has given the calling thread, before or while the program gives it none of its own;
/// ss_sp is null: nothing. The program never sees it: sigaltstack says that there is none, and
/// brings it back when the program takes its own away.
inline constinit thread_local stack_t own_alternate_stack{};

}  // namespace colibri
