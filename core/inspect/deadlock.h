// Deadlocks: when nothing can ever wake anybody, the program says so, and ends.
//
//   colibri: all coroutines are asleep - deadlock!
//
// Judged only where a scheduler is about to sleep without end, and only when there can be no doubt;
// a deadlock that is not seen is better than a false one. All of this must hold:
//   1. every coroutine of the scheduler is parked, without a deadline or TimeLimit, and waits for
//      another coroutine's end, or at locks, channels and their kind, by which coroutines or the
//      program's threads wake each other; none waits for a descriptor, a helper thread, a signal or
//      what does not say what it is;
//   2. the process has no other thread: so one with several schedulers, or with helper threads that
//      an offloaded call has left behind, is never judged;
//   3. the program catches no signal but those that faults raise: a handler might wake somebody.
// A DrivenScheduler, which sleeps in somebody else's loop, is not judged.
#pragma once

namespace colibri {

/// Whether to watch. It is on where this is linked, unless COLIBRI_DEADLOCK=0 is in the
/// environment. Any thread. A deadlock is written to standard error, with cycles, reasons and
/// stacks, and the process ends with status 2, without destructors and exit handlers.
void watch_for_deadlocks(bool on) noexcept;

}  // namespace colibri
