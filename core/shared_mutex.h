// SharedMutex: what std::shared_timed_mutex is, for coroutines and threads alike.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "colibri/core/wait.h"

namespace colibri {

/// Owned by one writer, or by any number of readers. Meets the standard's SharedTimedLockable: use
/// std::unique_lock and std::shared_lock. Any coroutine of any scheduler and any plain thread.
///
/// Fair: first come, first served; readers that stand next to each other enter together. So who
/// holds it shared must not lock it shared once more: with a writer in between, it would wait for
/// ever. As with Mutex, neither cancel nor a TimeLimit ends the waits without a deadline.
class SharedMutex {
 public:
  constexpr SharedMutex() noexcept = default;
  /// Nobody may wait for it: ends the process with a sentence.
  ~SharedMutex();
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  /// As the only owner: waits for all others, or is refused.
  void lock() noexcept { acquire(current_owner(), {.may_fail = false}); }
  bool try_lock() noexcept { return try_acquire(current_owner()); }
  /// Ends the process with a sentence if no writer owns it.
  void unlock() noexcept;

  /// As one of several readers: waits for a writer, or is refused.
  void lock_shared() noexcept { acquire(kReader, {.may_fail = false}); }
  bool try_lock_shared() noexcept { return try_acquire(kReader); }
  /// Ends the process with a sentence if no reader owns it.
  void unlock_shared() noexcept;

  /// False when the deadline came first. Throw Canceled, and std::system_error (timed_out) when an
  /// enclosing TimeLimit is over.
  bool try_lock_until(Deadline deadline);
  bool try_lock_shared_until(Deadline deadline);
  template <class Clock, class Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_lock_until(Deadline::at_time_of(time));
  }
  template <class Clock, class Duration>
  bool try_lock_shared_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_lock_shared_until(Deadline::at_time_of(time));
  }
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock_until(Deadline::after(std::chrono::ceil<std::chrono::nanoseconds>(duration)));
  }
  template <class Rep, class Period>
  bool try_lock_shared_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock_shared_until(
        Deadline::after(std::chrono::ceil<std::chrono::nanoseconds>(duration)));
  }

 private:
  /// Who wants to be the writer, or kReader.
  using Wish = std::uintptr_t;
  static constexpr Wish kReader = 0;

  bool enter_locked(Wish wish) noexcept;
  bool try_acquire(Wish wish) noexcept;
  WakeReason acquire(Wish wish, const WaitTerms& terms) noexcept;
  void admit(BiasedGuard& guard) noexcept;
  static void look(BiasedLock& lock, WaitFacts& facts) noexcept;
  static constexpr WaitedThing kThing{"shared mutex", "", &look};

  BiasedLock lock_;            // over all that follows; the first member: see WaitedThing
  WaitQueue waiting_{kThing};  // each place's note is its Wish
  std::size_t readers_ = 0;
  Wish writer_ = 0;  // who owns it; 0: nobody
};

}  // namespace colibri
