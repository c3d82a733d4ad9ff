// SIGSEGV and SIGBUS: a handler of ours comes first. It reports the overflow of a coroutine's stack
// and ends the process; every other fault goes to whoever handled it before, or to the program's
// own handler, with the mask and flags that it asked for. Where nobody does, the process ends as it
// would have without us.
//
// Our handler runs on the alternate signal stack, and so does a handler of the program's.
#pragma once

#include <signal.h>

namespace colibri {

/// Installs the handler (once a process) and the calling thread's alternate stack. Cheap when both
/// are there. Never fails: what cannot be had is not reported.
void watch_faults() noexcept;

/// Whether `signal` is one of the two, and our handler is installed: then what the program wants to
/// do on it is exchanged by exchange_fault_action, and not by sigaction.
bool is_watched_fault(int signal) noexcept;

/// As sigaction, for what happens on faults that are not ours. Any thread; signal handlers, too.
void exchange_fault_action(int signal, const struct sigaction* wanted,
                           struct sigaction* previous) noexcept;

}  // namespace colibri
