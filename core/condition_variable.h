// ConditionVariable: what std::condition_variable_any is, for coroutines and threads alike.
#pragma once

#include <chrono>
#include <condition_variable>

#include "colibri/core/wait.h"

namespace colibri {

/// Waits for a condition that others make true under a lock: std::unique_lock<Mutex>, or any other
/// type with lock and unlock whose unlock does not wait. Any coroutine of any scheduler and any
/// plain thread. Spurious wake-ups do not occur, but the condition may have changed again: pass it.
///
/// Every wait returns or throws with the lock held. Throws Canceled in a cancelled coroutine, and
/// std::system_error (timed_out) when an enclosing TimeLimit is over. A notification is never lost
/// to who was cancelled at the same time: it then returns as notified.
class ConditionVariable {
 public:
  constexpr ConditionVariable() noexcept = default;
  /// Nobody may wait for it: ends the process with a sentence.
  ~ConditionVariable();
  ConditionVariable(const ConditionVariable&) = delete;
  ConditionVariable& operator=(const ConditionVariable&) = delete;

  /// Wakes who has waited longest, or everybody. With or without the lock.
  void notify_one() noexcept;
  void notify_all() noexcept;

  /// Lets go of the lock and waits to be notified; with a condition, until that holds.
  template <class Lock>
  void wait(Lock& lock) {
    wait_until(lock, Deadline::never());
  }
  template <class Lock, class Condition>
  void wait(Lock& lock, Condition condition) {
    while (!condition()) wait(lock);
  }

  /// `timeout` when the deadline came first.
  template <class Lock>
  std::cv_status wait_until(Lock& lock, Deadline deadline);
  /// What the condition is in the end.
  template <class Lock, class Condition>
  bool wait_until(Lock& lock, Deadline deadline, Condition condition) {
    while (!condition()) {
      if (wait_until(lock, deadline) == std::cv_status::timeout) return condition();
    }
    return true;
  }
  template <class Lock, class Clock, class Duration, class... Condition>
  auto wait_until(Lock& lock, const std::chrono::time_point<Clock, Duration>& time,
                  Condition... condition) {
    return wait_until(lock, Deadline::at_time_of(time), condition...);
  }
  template <class Lock, class Rep, class Period, class... Condition>
  auto wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& duration,
                Condition... condition) {
    return wait_until(lock, Deadline::after(std::chrono::ceil<std::chrono::nanoseconds>(duration)),
                      condition...);
  }

 private:
  /// Around the caller's unlock, so that no notification falls between it and the wait.
  WaitPlace& join() noexcept;
  WakeReason wait_joined(WaitPlace& place, const WaitTerms& terms) noexcept;

  static constexpr WaitedThing kThing{"condition variable"};

  BiasedLock lock_;
  WaitQueue waiting_{kThing};
};

template <class Lock>
std::cv_status ConditionVariable::wait_until(Lock& lock, Deadline deadline) {
  WaitPlace& place = join();
  try {
    lock.unlock();
  } catch (...) {
    // Nothing was to be unlocked. Who has been notified meanwhile passes that on.
    if (wait_joined(place, {.deadline = Deadline::at_nanoseconds(0)}) == WakeReason::kFired) {
      notify_one();
    }
    throw;
  }
  const WakeReason reason = wait_joined(place, {.deadline = deadline});
  lock.lock();
  return came_in_time(reason, "ConditionVariable::wait") ? std::cv_status::no_timeout
                                                         : std::cv_status::timeout;
}

}  // namespace colibri
