// What we make of a pthread_cond_t: how many wait, and libc's flags where libc has them. Who waits
// stands in the parking lot, first come first: a signal never goes to one who began to wait after
// it. Nothing is touched after a waiter has been let go, so that he may destroy the object.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "colibri/core/wait_queue.h"
#include "colibri/hook/point_in_time.h"

namespace colibri {

/// Any coroutine and any thread. Methods return 0 or an error, as libc's functions do.
class CondBody {
 public:
  static CondBody& of(pthread_cond_t* cond) noexcept { return *reinterpret_cast<CondBody*>(cond); }

  /// False: several processes share it, and it is libc's.
  bool is_ours() const noexcept { return (flags_ & kShared) == 0; }
  /// The clock of pthread_cond_timedwait.
  clockid_t clock() const noexcept {
    return (flags_ & kMonotonic) != 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  }

  void init(clockid_t clock) noexcept;
  /// EBUSY while somebody waits.
  int destroy() noexcept {
    return waiting_.load(std::memory_order_acquire) == 0 || !has_waiters() ? 0 : EBUSY;
  }

  /// Unlocks `mutex`, waits for code at `caller`, and locks it again whatever happens, except that
  /// nothing happens if it cannot be unlocked: then that error, as EPERM, is the result. Cancel and
  /// a TimeLimit end a wait that is not for ever: ECANCELED, ETIMEDOUT. `until` must be valid.
  /// Other errors are those of locking `mutex` again. Throws only the unwinding of pthread_cancel
  /// in a plain thread.
  int wait(pthread_mutex_t* mutex, const PointInTime& until, const void* caller);

  int signal() noexcept;
  int broadcast() noexcept;

 private:
  static constexpr std::uint32_t kShared = 1;
  static constexpr std::uint32_t kMonotonic = 2;

  /// Wakes another in place of one who was woken and will not go on. By then the object may be
  /// gone, and is touched only if somebody waits there.
  void pass_on() noexcept;
  static void pass_on_from(WaitPlace& place) noexcept;
  /// The count may include those who were abandoned, or are not in this process.
  bool has_waiters() const noexcept;
  void count(std::uint32_t change) noexcept {
    waiting_.fetch_add(change, std::memory_order_release);
  }

  std::atomic<std::uint32_t> waiting_;  // changed under the bucket's lock
  [[maybe_unused]] std::uint32_t unused_[8];
  std::uint32_t flags_;

  static void check_layout() noexcept;
};

}  // namespace colibri
