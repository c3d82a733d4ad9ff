// Signals that were sent to one thread that is a coroutine, and wait until it lets them in or takes
// them. The kernel cannot keep them: to it there is one thread.
//
// As in the kernel: of a signal below SIGRTMIN one is kept; the others queue, and are refused when
// there is no room. Any thread and any signal handler may call all of them.
#pragma once

#include "colibri/hook/threads/thread_signals.h"

namespace colibri::pending_signals {

/// Keeps one with what `info` says. False when there is no room.
bool add(ThreadSignals& of, const siginfo_t& info) noexcept;

/// Takes one of `among`: of several the lowest number, and of those the oldest. False if there is
/// none.
bool take(ThreadSignals& of, SignalBits among, siginfo_t& info) noexcept;

/// Takes all of `those`, for nobody.
void discard(ThreadSignals& of, SignalBits those) noexcept;

/// True if there may be some for any thread.
bool are_there() noexcept;

/// In the child of a fork, in which nobody has any.
void forget_all() noexcept;

}  // namespace colibri::pending_signals
