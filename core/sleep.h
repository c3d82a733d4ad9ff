// Sleeping and yielding.
#pragma once

#include <chrono>

#include "colibri/core/deadline.h"

namespace colibri {

/// Parks the current coroutine until `deadline`. Never early. Throws Canceled after cancel(), and
/// std::system_error (timed_out) when an enclosing TimeLimit is over first. Outside a coroutine it
/// blocks the thread.
void sleep_until(Deadline deadline);

inline void sleep_until(std::chrono::steady_clock::time_point time) {
  sleep_until(Deadline::at(time));
}

/// The same for a span of time; not positive: lets others run, as yield does.
inline void sleep_for(std::chrono::nanoseconds duration) {
  sleep_until(Deadline::after(duration));
}

/// Lets every other ready coroutine of this scheduler run before this one goes on. Throws Canceled
/// after cancel() (but not while an exception unwinds the stack), so that loops around it end.
/// Outside a coroutine it yields the thread.
void yield();

}  // namespace colibri
