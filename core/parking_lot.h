// Waiting at an address: what the kernel's futexes are, for coroutines and threads alike.
//
// Objects whose size is fixed by others (pthread_mutex_t and its kind) have no room for a queue of
// waiters. So the queues lie here, in a table hashed by address, and such an object keeps a word
// that says whether anybody may wait. A bucket of the table is a lock and one queue, first come
// first; a place's note is the address that it waits at. But who blocks the thread of a scheduler
// goes before all others: one of that scheduler's coroutines that was woken first could not run.
//
// The table is wiped in the child of a fork: who waited there does not live on, and a bucket that
// another thread had locked is free again. So an object may be used in the child at once, whatever
// was going on in the parent. The kernel does it (MADV_WIPEONFORK, Linux 4.14), and wipe_in_child
// again where it cannot.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "colibri/core/context.h"
#include "colibri/core/control_block.h"
#include "colibri/core/small_lock.h"

namespace colibri {

/// All functions may be called by any thread and any coroutine, but not by signal handlers. They
/// take no memory from malloc, but for a coroutine on a shared stack that waits for the first time.
class ParkingLot {
 public:
  /// What a place can say of itself.
  static constexpr std::uint32_t kWantsHandOver = 1;  // set by the waiter: see release
  static constexpr std::uint32_t kHandedOver = 2;     // set by the waker

  /// Takes a place at `address` for the caller if `still()`, which is asked under the bucket's
  /// lock, says that it has to wait; null otherwise. With `may_park` false a coroutine blocks its
  /// thread. To be followed by wait. `still` must neither wait nor wake. Without memory for a
  /// coroutine's waiter, others run first.
  template <class Still>
  static WaitPlace* join(const void* address, bool may_park, std::uint32_t manner, Still still) {
    WaitPlace& place = begin(address, may_park, manner);
    Bucket& bucket = bucket_of(address);
    const SmallLockGuard guard(bucket.lock);
    if (!still()) return nullptr;
    if (goes_first(place)) {
      bucket.waiting.push_front(place);
    } else {
      bucket.waiting.push_back(place);
    }
    return &place;
  }

  /// Waits at a place from join. kFired: somebody has woken it. Otherwise the terms were not met,
  /// the place has been left, and `left()` was called under the bucket's lock.
  template <class Left>
  static WakeReason wait(WaitPlace& place, const WaitTerms& terms, Left left) {
    const WakeReason reason = place.waiter->wait(terms);
    if (reason == WakeReason::kFired || leave(place, left)) return reason;
    return WakeReason::kFired;
  }

  /// The same, but where a plain thread waits, pthread_cancel ends that: the frames above are
  /// unwound, after `left()` or, if the place had been woken, after `woken()`.
  template <class Left, class Woken>
  static WakeReason wait_cancelable(WaitPlace& place, const WaitTerms& terms, Left left,
                                    Woken woken) {
    WakeReason reason = WakeReason::kFired;
    try {
      reason = place.waiter->wait_cancelable(terms);
    } catch (...) {
      if (!leave(place, left)) woken();
      throw;
    }
    return reason == WakeReason::kFired || leave(place, left) ? reason : WakeReason::kFired;
  }

  /// Gives a place from join up again: true if nobody has woken it, after calling `left()` under
  /// the bucket's lock.
  template <class Left>
  static bool leave(WaitPlace& place, Left left) {
    {
      Bucket& bucket = bucket_of(reinterpret_cast<const void*>(place.note));
      const SmallLockGuard guard(bucket.lock);
      if (place.queued) {
        bucket.waiting.remove(place);
        left();
        return true;
      }
    }
    place.waiter->await_wake();
    return false;
  }

  /// Wakes who has waited longest at `address`. `choose(place)` is called under the bucket's lock
  /// with its place, null if there is nobody; the object may be gone once it has let others in.
  template <class Choose>
  static void wake_one(const void* address, Choose choose) {
    WaitPlace* place = nullptr;
    {
      Bucket& bucket = bucket_of(address);
      const SmallLockGuard guard(bucket.lock);
      place = find(bucket.waiting.first(), address);
      if (place != nullptr) bucket.waiting.remove(*place);
      choose(place);
    }
    if (place != nullptr) wake(place->waiter);
  }

  /// Wakes everybody who waits at `address`. `chosen()` is called under the bucket's lock.
  template <class Chosen>
  static void wake_all(const void* address, Chosen chosen) {
    WaitPlace* claimed = nullptr;
    {
      Bucket& bucket = bucket_of(address);
      const SmallLockGuard guard(bucket.lock);
      claimed = claim_all(bucket, address);
      chosen();
    }
    colibri::wake_all(claimed);
  }

  /// Takes out the place of one who will never run again, if it is in the table. What its object
  /// counts stays as it is.
  static void forget(WaitPlace& place) noexcept;

  /// In the child of a fork.
  static void wipe_in_child() noexcept;

 private:
  struct Bucket {
    SmallLock lock;
    WaitQueue waiting;
  };
  static constexpr std::size_t kBuckets = 1024;
  struct alignas(kLargestPageBytes) Table {
    Bucket buckets[kBuckets];
  };

  static Bucket& bucket_of(const void* address) noexcept {
    // The golden ratio spreads addresses that differ in few bits.
    const std::uint64_t hash = reinterpret_cast<std::uintptr_t>(address) * 0x9e3779b97f4a7c15;
    return table_.buckets[hash >> 54];
  }
  static_assert(kBuckets == 1024, "the hash has ten bits");

  static WaitPlace* find(WaitPlace* place, const void* address) noexcept {
    while (place != nullptr && place->note != reinterpret_cast<std::uintptr_t>(address)) {
      place = place->next;
    }
    return place;
  }

  /// It blocks the thread of a scheduler.
  static bool goes_first(const WaitPlace& place) noexcept;
  static WaitPlace& begin(const void* address, bool may_park, std::uint32_t manner) noexcept;
  static WaitPlace* claim_all(Bucket& bucket, const void* address) noexcept;
  static void wake(Waiter* waiter) noexcept;

  static constinit Table table_;
};

}  // namespace colibri
