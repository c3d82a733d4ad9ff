// Semaphore: what std::counting_semaphore is, for coroutines and threads alike.
#pragma once

#include <chrono>
#include <cstddef>

#include "colibri/core/wait.h"

namespace colibri {

/// A number of permits that are taken and given. Any coroutine of any scheduler and any plain
/// thread; first come, first served.
class Semaphore {
 public:
  /// With so many permits to begin with.
  explicit constexpr Semaphore(std::ptrdiff_t permits) noexcept : permits_(permits) {}
  /// Nobody may wait for it: ends the process with a sentence.
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// Takes a permit, and waits for one if there is none. Throws Canceled, and std::system_error
  /// (timed_out) when an enclosing TimeLimit is over.
  void acquire() { try_acquire_until(Deadline::never()); }
  /// False, at once, if there is none.
  bool try_acquire() noexcept;
  /// As acquire, but false when the deadline came first.
  bool try_acquire_until(Deadline deadline);
  template <class Clock, class Duration>
  bool try_acquire_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_acquire_until(Deadline::at_time_of(time));
  }
  template <class Rep, class Period>
  bool try_acquire_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_acquire_until(
        Deadline::after(std::chrono::ceil<std::chrono::nanoseconds>(duration)));
  }

  /// Gives permits; those who wait get them first. Anybody may, also who has taken none.
  void release(std::ptrdiff_t count = 1) noexcept;

 private:
  static void look(BiasedLock& lock, WaitFacts& facts) noexcept;
  static constexpr WaitedThing kThing{"semaphore", "", &look};

  BiasedLock lock_;            // over all that follows; the first member: see WaitedThing
  WaitQueue waiting_{kThing};  // empty unless there is no permit
  std::ptrdiff_t permits_;
};

}  // namespace colibri
