// A lock of four bytes on a futex, for the few places where core shares data between threads.
// std::mutex would not do: with the hooks linked it may park a coroutine, and core runs below that.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "colibri/core/libc.h"

namespace colibri {

/// Not recursive. Held for a few instructions, never over a switch. Any thread. Leaves errno alone.
class SmallLock {
 public:
  void lock() noexcept {
    std::uint32_t expected = kFree;
    if (state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire)) return;
    // Mutex 3 of Drepper, "Futexes are tricky" (2011).
    const int saved_errno = errno;
    while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
      real::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kContended, nullptr, nullptr, 0);
    }
    errno = saved_errno;
  }

  /// Takes it if it is free. Signal handlers may, also while the code that they interrupted holds
  /// it.
  bool try_lock() noexcept {
    std::uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, kHeld);
  }

  /// Sequentially consistent, as try_lock is: who failed to take it and left a note before has it
  /// read by a holder who looks for notes afterwards.
  void unlock() noexcept {
    if (state_.exchange(kFree) != kContended) return;
    const int saved_errno = errno;
    real::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    errno = saved_errno;
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kContended = 2;
  std::atomic<std::uint32_t> state_{kFree};
};

/// Holds a SmallLock for a scope.
class [[nodiscard]] SmallLockGuard {
 public:
  explicit SmallLockGuard(SmallLock& lock) noexcept : lock_(lock) { lock_.lock(); }
  ~SmallLockGuard() { lock_.unlock(); }
  SmallLockGuard(const SmallLockGuard&) = delete;
  SmallLockGuard& operator=(const SmallLockGuard&) = delete;

 private:
  SmallLock& lock_;
};

}  // namespace colibri
