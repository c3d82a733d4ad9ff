// What we make of a sem_t: one that coroutines and threads can wait for. Ours in every thread, and
// libc's where several processes share it (sem_open, sem_init with pshared).
//
// The word holds the value and how many wait. A post adds to the value and, if somebody waits, has
// him woken by way of the parking lot. Who is woken competes with newcomers until he has lost his
// patience (patience.h): then a post hands its unit over. Handed-over units are counted until their
// owner runs: in the child of a fork he never does, and they go back to the value.
//
// Signal handlers may post, whatever they have interrupted: so a post takes no lock and no memory,
// and wakes by ParkingLot::wake_one_from_anywhere.
#pragma once

#include <limits.h>
#include <semaphore.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "colibri/core/parking_lot.h"
#include "colibri/hook/point_in_time.h"

namespace colibri {

/// Any coroutine and any thread. Methods return 0 or an error, and leave errno alone.
class SemBody {
 public:
  static SemBody& of(sem_t* semaphore) noexcept { return *reinterpret_cast<SemBody*>(semaphore); }

  /// False: several processes share it, and it is libc's.
  bool is_ours() const noexcept { return sharing_ == 0; }

  /// A fresh one, whatever was there.
  void init(std::uint32_t value) noexcept;

  /// Takes a unit if the value is not 0.
  bool try_take_at_once() noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while ((word & kValue) != 0) {
      if (word_.compare_exchange_weak(word, word - 1, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  /// Takes a unit if there is one.
  bool try_take() noexcept {
    return try_take_at_once() || (handed_.load(std::memory_order_relaxed) != 0 && take_back_lost());
  }

  /// Waits for a unit, for code at `caller`. ETIMEDOUT when `until`, which must be valid, or a
  /// TimeLimit is over; ECANCELED in a cancelled coroutine; EINTR after signal handlers as libc.
  /// Throws only the unwinding of pthread_cancel in a plain thread.
  int take_until(const PointInTime& until, const void* caller) {
    return try_take() ? 0 : take_slowly(until, caller);
  }

  /// EOVERFLOW if it has its largest value. Signal handlers may call it. If somebody took the unit,
  /// he may have destroyed the semaphore by the return.
  int post() noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if ((word & kValue) == SEM_VALUE_MAX) [[unlikely]]
        return EOVERFLOW;
    } while (!word_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    // From here on it may be gone, and is touched only if somebody waits there.
    if (word >= kOneWaits) [[unlikely]]
      wake_one();
    return 0;
  }

  std::uint32_t value() noexcept;

 private:
  static constexpr std::uint64_t kValue = 0xffffffff;
  static constexpr std::uint64_t kOneWaits = kValue + 1;

  int take_slowly(const PointInTime& until, const void* caller);
  bool take_as_waiter() noexcept;
  bool take_back_lost() noexcept;
  void drop_lost() noexcept;
  bool give(WaitPlace& place) noexcept;
  void wake_one() noexcept;
  bool has_been_given(const WaitPlace& place) noexcept;
  static void pass_on(WaitPlace& place) noexcept;
  void stop_waiting() noexcept { word_.fetch_sub(kOneWaits, std::memory_order_relaxed); }

  std::atomic<std::uint64_t> word_;
  int sharing_;
  std::atomic<std::uint32_t> handed_;     // units on their way to those whom they were handed to
  std::atomic<std::uint32_t> handed_in_;  // the generation of these (parking_lot.h)

  static void check_layout() noexcept;
};

}  // namespace colibri
