// Mutex and TimedMutex: what std::mutex and std::timed_mutex are, for coroutines and threads alike.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "colibri/core/wait.h"

namespace colibri {

/// A lock that parks the coroutine (or blocks the plain thread) that waits for it. Meets the
/// standard's Lockable: use std::lock_guard, std::unique_lock, std::scoped_lock. Any coroutine of
/// any scheduler and any plain thread. May be held over anything that parks. Not recursive.
///
/// Fair: unlock hands it to who has waited longest. Costs no bus lock while one thread alone uses
/// it, and one each way when nobody contends.
///
/// A wait for it is ended neither by cancel nor by a TimeLimit, so that destructors may lock; see
/// TimedMutex for waits that end.
class Mutex {
 public:
  constexpr Mutex() noexcept = default;
  /// Nobody may wait for it: ends the process with a sentence.
  ~Mutex();
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  /// Ends the process with a sentence if the caller owns it already.
  void lock() noexcept {
    const Owner self = current_owner();
    if (!try_take(self)) [[unlikely]]
      lock_slowly(self, {.may_fail = false});
  }

  /// False, at once, if somebody owns it.
  bool try_lock() noexcept {
    const Owner self = current_owner();
    return try_take(self) || try_lock_slowly(self);
  }

  /// Ends the process with a sentence if the caller does not own it.
  void unlock() noexcept {
    const Owner self = current_owner();
    if (!try_give_back(self)) [[unlikely]]
      unlock_slowly(self);
  }

 protected:
  /// As WaitFacts::owner; the lowest bit is free.
  using Owner = std::uintptr_t;

  /// For derived classes: waits its turn, as far as the terms go.
  WakeReason lock_slowly(Owner self, const WaitTerms& terms) noexcept;

 private:
  static constexpr Owner kNobody = 0;
  static constexpr Owner kAwaited = 1;  // set while somebody waits: unlock must hand over

  // Who has the lock's bias changes owner_ by plain stores between try_lock_biased and unlock.
  // Once it is shared, everybody changes it by compare-and-swap.
  bool change(Owner from, Owner to) noexcept {
    if (lock_.try_lock_biased()) [[likely]] {
      const bool as_expected = owner_.load(std::memory_order_relaxed) == from;
      if (as_expected) owner_.store(to, std::memory_order_relaxed);
      lock_.unlock(true);
      return as_expected;
    }
    return lock_.shared() && owner_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
  }
  bool try_take(Owner self) noexcept { return change(kNobody, self); }
  bool try_give_back(Owner self) noexcept { return change(self, kNobody); }
  bool try_lock_slowly(Owner self) noexcept;
  void unlock_slowly(Owner self) noexcept;
  static void look(BiasedLock& lock, WaitFacts& facts) noexcept;
  static constexpr WaitedThing kThing{"mutex", "", &look};

  BiasedLock lock_;  // over the queue; the first member: see WaitedThing
  std::atomic<Owner> owner_{kNobody};
  WaitQueue waiting_{kThing};  // each place's note is who wants to be the owner
};

/// A Mutex with waits that end: by their own deadline, a TimeLimit, or cancel. Meets the standard's
/// TimedLockable.
class TimedMutex : public Mutex {
 public:
  /// False when the deadline came first. Throws Canceled, and std::system_error (timed_out) when
  /// an enclosing TimeLimit is over.
  bool try_lock_until(Deadline deadline);
  template <class Clock, class Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_lock_until(Deadline::at_time_of(time));
  }
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock_until(Deadline::after(std::chrono::ceil<std::chrono::nanoseconds>(duration)));
  }
};

}  // namespace colibri
