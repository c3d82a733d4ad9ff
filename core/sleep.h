// Sleeping and yielding.
#pragma once

#include <chrono>

#include "colibri/core/deadline.h"
#include "colibri/core/scheduler.h"

namespace colibri {

/// Parks the current coroutine until `deadline`. Never early. Throws Canceled after cancel(), and
/// std::system_error (timed_out) when an enclosing TimeLimit is over first. Outside a coroutine it
/// blocks the thread.
void sleep_until(Deadline deadline);
/// The same for a point of the monotonic clock.
inline void sleep_until(std::chrono::steady_clock::time_point time) {
  sleep_until(Deadline::at(time));
}

/// The same for a span of time; not positive: lets others run, as yield does.
inline void sleep_for(std::chrono::nanoseconds duration) {
  sleep_until(Deadline::after(duration));
}

namespace detail {

void yield_thread() noexcept;
void throw_if_canceled();

}  // namespace detail

/// Lets every other ready coroutine of this scheduler run before this one goes on. Throws Canceled
/// after cancel() (but not while an exception unwinds the stack), so that loops around it end.
/// Outside a coroutine it yields the thread.
///
/// Inlined by force: coroutines that yield at different places would else return from one function
/// to where the processor does not expect it; see switch_context in context.h.
[[gnu::always_inline]] inline void yield() {
  if (!can_park()) [[unlikely]]
    return detail::yield_thread();
  thread_state.scheduler->yield();
  // Read again, and not kept over the switch: that would cost a saved register.
  if (thread_state.current->attention != 0) [[unlikely]]
    detail::throw_if_canceled();
}

}  // namespace colibri
