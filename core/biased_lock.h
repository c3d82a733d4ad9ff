// A lock that costs its first user nothing: no bus lock while one thread alone uses what it guards.
//
// Nearly every channel and mutex serves the coroutines of one scheduler, where a lock is only
// needed in case another thread comes along. So the first thread to lock gets the lock's bias, and
// from then on locks by a plain store and a plain load. The states, and who makes the transition:
//
//   unbiased ──the first thread that locks──▶ biased to it ──another one locks──▶ revoked ──▶
//   shared
//   unbiased ──the first thread that locks, if a Conductor leads it──▶ watched
//
// Shared is for good: a SmallLock. The other thread publishes "revoked", makes every core that runs
// this process pass a memory barrier (the membarrier system call, some microseconds, once in the
// life of a lock), waits until the owner is out, and publishes "shared". Either the barrier falls
// behind the owner's store to `held_`, and the other thread sees and awaits it, or before it, and
// then the owner's second look at `owner_` finds the bias gone. Where the kernel has no membarrier,
// locks are shared from the start. Watched is for good, too, and the same but in name: nobody finds
// a fast way around the lock, so that its users' slow ways can let the conductor decide.
#pragma once

#include <atomic>
#include <cstdint>

#include "colibri/core/small_lock.h"
#include "colibri/core/thread_state.h"

namespace colibri {

/// Not recursive. Held for a few instructions, never over a switch. Any thread, no signal handler.
/// All bytes zero is a free lock. Whoever finds, under the lock, that nobody will lock it again may
/// destroy it: unlock touches it for the last time when it lets the next one in.
class BiasedLock {
 public:
  constexpr BiasedLock() noexcept = default;
  BiasedLock(const BiasedLock&) = delete;
  BiasedLock& operator=(const BiasedLock&) = delete;

  /// True if the calling thread has the bias: to be handed to unlock.
  [[nodiscard, gnu::always_inline]] bool lock() noexcept {
    return try_lock_biased() || lock_slowly();
  }

  [[gnu::always_inline]] void unlock(bool biased) noexcept {
    if (biased) [[likely]] {
      held_.store(false, std::memory_order_release);
    } else {
      unlock_shared();
    }
  }

  /// Locks if the calling thread has the bias.
  [[nodiscard]] bool try_lock_biased() noexcept {
    if (owner_.load(std::memory_order_relaxed) != &thread_state) return false;
    held_.store(true, std::memory_order_relaxed);
    // The processor's half of this barrier is made by whoever takes the bias away.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (owner_.load(std::memory_order_relaxed) == &thread_state) [[likely]]
      return true;
    held_.store(false, std::memory_order_release);
    return false;
  }

  /// lock() in the child of a fork, for its only thread: false if one that is not there any more
  /// holds it. `biased` is to be handed to unlock.
  [[nodiscard]] bool try_lock_in_child(bool& biased) noexcept;

  /// True, for good, once more than one thread has used the lock and nobody has the bias.
  bool shared() const noexcept { return owner_.load(std::memory_order_acquire) == kShared; }

  /// False if no Conductor has to be asked before this lock is taken, as where it has a bias.
  bool may_be_watched() const noexcept {
    // Nobody's yet, it may become so.
    return reinterpret_cast<std::uintptr_t>(owner_.load(std::memory_order_relaxed)) <=
           reinterpret_cast<std::uintptr_t>(kWatched);
  }

 private:
  // Addresses that no thread's state has.
  static inline ThreadState* const kWatched = reinterpret_cast<ThreadState*>(1);
  static inline ThreadState* const kRevoked = reinterpret_cast<ThreadState*>(2);
  static inline ThreadState* const kShared = reinterpret_cast<ThreadState*>(3);

  static bool has_no_bias(const ThreadState* owner) noexcept {
    return owner == kShared || owner == kWatched;
  }
  [[gnu::noinline]] bool lock_slowly() noexcept;
  void unlock_shared() noexcept;
  void take_bias_away() noexcept;

  std::atomic<ThreadState*> owner_{nullptr};
  SmallLock lock_;                 // while shared, and for whoever takes the bias away
  std::atomic<bool> held_{false};  // written by the owner alone
};

/// Holds a BiasedLock for a scope, or until it is released.
class [[nodiscard]] BiasedGuard {
 public:
  /// Holds nothing.
  BiasedGuard() noexcept : lock_(nullptr), biased_(false) {}
  [[gnu::always_inline]] explicit BiasedGuard(BiasedLock& lock) noexcept
      : lock_(&lock), biased_(lock.lock()) {}
  [[gnu::always_inline]] ~BiasedGuard() {
    if (lock_ != nullptr) lock_->unlock(biased_);
  }
  BiasedGuard(const BiasedGuard&) = delete;
  BiasedGuard& operator=(const BiasedGuard&) = delete;

  [[gnu::always_inline]] void release() noexcept {
    lock_->unlock(biased_);
    lock_ = nullptr;
  }
  /// Locks `lock` again after a release.
  [[gnu::always_inline]] void take(BiasedLock& lock) noexcept {
    lock_ = &lock;
    biased_ = lock.lock();
  }

 private:
  BiasedLock* lock_;
  bool biased_;
};

}  // namespace colibri
