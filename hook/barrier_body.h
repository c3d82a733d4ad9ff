// What we make of a pthread_barrier_t: how many have come, and how many are to. Who waits stands in
// the parking lot, and touches nothing here after he has been woken: so whoever passes may destroy
// the barrier.
#pragma once

#include <pthread.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace colibri {

/// Any coroutine and any thread.
class BarrierBody {
 public:
  static BarrierBody& of(pthread_barrier_t* barrier) noexcept {
    return *reinterpret_cast<BarrierBody*>(barrier);
  }

  /// False: several processes share it, and it is libc's.
  bool is_ours() const noexcept { return shared_ == 0; }

  /// A fresh one for `count` flows, whatever was there; EINVAL for a count that libc refuses.
  int init(unsigned count) noexcept;
  /// EBUSY while somebody waits; libc would wait, too.
  int destroy() noexcept;

  /// Waits, for code at `caller`, until as many have come as the barrier is for. Not ended by
  /// cancel or a TimeLimit. PTHREAD_BARRIER_SERIAL_THREAD for the last one, 0 for the others.
  int wait(const void* caller) noexcept;

 private:
  std::uint32_t arrived_;  // under the lock of the bucket in the parking lot
  [[maybe_unused]] std::uint32_t unused_;
  std::uint32_t count_;
  std::uint32_t shared_;

  static void check_layout() noexcept;
};

}  // namespace colibri
