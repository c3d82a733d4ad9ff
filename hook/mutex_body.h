// What we make of a pthread_mutex_t: a lock that coroutines and threads can hold and wait for.
//
// libc's own implementation would not do. It owns by thread, which all coroutines of a scheduler
// share; a plain thread's unlock would wake no coroutine; and its condition variables unlock the
// mutex by an inner call. So ours serves every thread, hooked code and plain. It keeps the kind
// where libc has it, so that static initialisers hold.
//
//   kFree ──lock──▶ kHeld ──unlock──▶ kFree
//   kHeld, kContended ──somebody is about to wait──▶ kContended ──unlock──▶ kFree, one is woken
//   kContended ──unlock, and the first in the queue wants it (patience.h)──▶ kHandedOver
//   kHandedOver ──that one runs──▶ kContended
//   kHandedOver, in an earlier generation ──somebody wants it──▶ kFree
//
// A generation (parking_lot.h) ends in the child of a fork: who is not there takes nothing.
//
// What several processes share (PTHREAD_PROCESS_SHARED), robust mutexes and those with a priority
// protocol are libc's: their owners must be threads that the kernel knows.
#pragma once

#include <pthread.h>
#include <sys/single_threaded.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "colibri/core/thread_state.h"
#include "colibri/core/wait_queue.h"
#include "colibri/core/waited_thing.h"
#include "colibri/hook/point_in_time.h"

namespace colibri {

/// Who runs, as an owner of locks: odd for a coroutine, whose number is never used again, and the
/// address of its state for a thread. That one stays the same in the child of a fork.
inline std::uint64_t current_flow() noexcept {
  const ControlBlock* coroutine = thread_state.current;
  if (coroutine != nullptr) return (std::uint64_t{coroutine->id} << 1) | 1;
  return reinterpret_cast<std::uintptr_t>(&thread_state);
}

/// The same, for ParkedThing::owner.
inline std::uintptr_t as_owner(std::uint64_t flow) noexcept {
  return flow == 0 || (flow & 1) != 0 ? flow : flow | WaitFacts::kOfThread;
}

/// Any coroutine and any thread. Methods return 0 or an error, as libc's functions do, and leave
/// errno alone.
class MutexBody {
 public:
  static MutexBody& of(pthread_mutex_t* mutex) noexcept {
    return *reinterpret_cast<MutexBody*>(mutex);
  }

  /// False: libc's, or destroyed.
  bool is_ours() const noexcept { return (kind_ & ~(kKindMask | kElisionFlags)) == 0; }
  /// Ours, and of the usual kind, which has no owner as far as the program can tell.
  bool is_plain() const noexcept { return kind_ == PTHREAD_MUTEX_NORMAL; }

  /// A fresh one, whatever was there.
  void init(int kind) noexcept;
  /// EBUSY while it is locked.
  int destroy() noexcept;

  /// Takes a plain one if it is free.
  bool try_acquire_plain() noexcept {
    if (!try_acquire()) return false;
    note_holder();
    return true;
  }
  /// Unlocks it if nobody waits.
  bool try_release() noexcept {
    if (__libc_single_threaded != 0) {
      if (word_.load(std::memory_order_relaxed) >= kContended) return false;
      word_.store(kFree, std::memory_order_relaxed);
      return true;
    }
    std::uint32_t expected = kHeld;
    // Free already: that is for the program to answer for, as it is with libc.
    return word_.compare_exchange_strong(expected, kFree, std::memory_order_release,
                                         std::memory_order_relaxed) ||
           expected == kFree;
  }

  /// Waits for it, for code at `caller`. Not ended by cancel or a TimeLimit.
  int lock(const void* caller) noexcept { return lock(PointInTime::never(), false, caller); }
  int try_lock() noexcept;
  /// ETIMEDOUT when `until` or a TimeLimit is over, ECANCELED in a cancelled coroutine.
  int lock_until(const PointInTime& until, const void* caller) noexcept {
    return lock(until, true, caller);
  }
  /// True if who runs holds it; for the kinds that have an owner.
  bool is_owned() const noexcept {
    return owner_.load(std::memory_order_relaxed) == current_flow();
  }
  int unlock() noexcept {
    if (has_owner()) {
      if (owner_.load(std::memory_order_relaxed) != current_flow()) return EPERM;
      if (--depth_ != 0) return 0;
      owner_.store(kNobody, std::memory_order_relaxed);
    }
    if (!try_release()) release_contended();
    return 0;
  }

 private:
  static constexpr int kKindMask = 3;
  static constexpr int kElisionFlags = 0x300;  // libc's hints to itself
  static constexpr int kDestroyed = -1;        // as libc marks it
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kContended = 2;
  static constexpr std::uint32_t kHandedOver = 3;  // contended, too
  static constexpr std::uint64_t kNobody = 0;

  static std::uintptr_t owner_at(const void* address) noexcept;
  static constexpr ParkedThing kThing{"pthread mutex", &owner_at};

  int kind() const noexcept { return kind_ & kKindMask; }
  bool has_owner() const noexcept {
    return kind() == PTHREAD_MUTEX_RECURSIVE || kind() == PTHREAD_MUTEX_ERRORCHECK;
  }
  /// Takes it if it is free; whoever does notes whose it is.
  bool try_acquire() noexcept {
    // As libc: one thread alone needs no bus lock.
    if (__libc_single_threaded != 0) {
      if (word_.load(std::memory_order_relaxed) != kFree) return false;
      word_.store(kHeld, std::memory_order_relaxed);
      return true;
    }
    std::uint32_t expected = kFree;
    return word_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  int enter_again() noexcept;
  /// Of the kinds without an owner, for people who look inside: the control block of the coroutine
  /// that holds it, or null for a thread. At unlock nothing is noted, which would cost more than
  /// this does; so it holds while the mutex is held. Who looks from another thread between the lock
  /// and this finds the holder before.
  void note_holder() noexcept {
    owner_.store(reinterpret_cast<std::uintptr_t>(thread_state.current), std::memory_order_relaxed);
  }
  void become_owner(std::uint64_t self) noexcept {
    owner_.store(self, std::memory_order_relaxed);
    depth_ = 1;
  }
  int lock(const PointInTime& until, bool may_fail, const void* caller) noexcept {
    const std::uint64_t self = has_owner() ? current_flow() : kNobody;
    if (self != kNobody && owner_.load(std::memory_order_relaxed) == self) return enter_again();
    if (!try_acquire()) {
      const int result = acquire_slowly(until, may_fail, caller);
      if (result != 0) return result;
    }
    if (self != kNobody) {
      become_owner(self);
    } else {
      note_holder();
    }
    return 0;
  }
  int acquire_slowly(const PointInTime& until, bool may_fail, const void* caller) noexcept;
  bool acquire_contended() noexcept;
  void release_contended() noexcept;
  static void pass_on(WaitPlace& place) noexcept;
  void free_if_lost() noexcept;

  std::atomic<std::uint32_t> word_;
  std::uint32_t depth_;               // of a recursive one; the owner's
  std::atomic<std::uint64_t> owner_;  // by current_flow; of a kind without one see note_holder
  int kind_;
  std::atomic<std::uint32_t> handed_in_;  // the generation of kHandedOver

  static void check_layout() noexcept;
};

}  // namespace colibri
