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
// again where it cannot. The table also says its generation, another one in each child: what was
// handed over in an earlier one, and not yet taken, has been lost with who was to have it.
//
// Signal handlers may wake, too, by wake_one_from_anywhere. They cannot wait for a bucket's lock,
// which the code that they interrupted may hold: then they leave a note in the bucket, and whoever
// lets go of the lock wakes all those in it who can be missed so.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "colibri/core/context.h"
#include "colibri/core/control_block.h"
#include "colibri/core/small_lock.h"

namespace colibri {

/// All functions may be called by any thread and any coroutine, but by signal handlers only where
/// they say so. They take no memory from malloc, but for a coroutine on a shared stack that waits
/// for the first time.
class ParkingLot {
 public:
  /// What a place can say of itself.
  static constexpr std::uint32_t kWantsHandOver = 1;  // set by the waiter: see release
  static constexpr std::uint32_t kHandedOver = 2;     // set by the waker
  static constexpr std::uint32_t kCanBeMissed = 4;    // may be woken without a reason
  static constexpr std::uint32_t kGoesFirst = 8;      // set by join: it blocks a scheduler's thread
  static constexpr std::uint32_t kOfObject = 256;     // this and higher bits: the object's own use

  /// Takes a place at `address` for the caller if `still()`, which is asked under the bucket's
  /// lock, says that it has to wait; null otherwise. With `may_park` false a coroutine blocks its
  /// thread. To be followed by wait. `still` must neither wait nor wake. Without memory for a
  /// coroutine's waiter, others run first. `pass_on`, if any, is called for a place that was woken
  /// and whose coroutine is then abandoned: somebody else must have what it was woken for.
  template <class Still>
  static WaitPlace* join(const void* address, bool may_park, std::uint32_t manner, Still still,
                         void (*pass_on)(WaitPlace&) = nullptr) {
    WaitPlace& place = begin(address, may_park, manner);
    Bucket& bucket = bucket_of(address);
    const BucketGuard guard(bucket);
    if (!still()) return nullptr;
    place.waiter->pass_on = pass_on;
    push(bucket, place);
    return &place;
  }

  /// The same, but where `still()` says no, all who wait at `address` are woken: at once, so that
  /// nobody can join between.
  template <class Still>
  static WaitPlace* join_or_wake_all(const void* address, bool may_park, Still still) {
    WaitPlace& place = begin(address, may_park, 0);
    WaitPlace* claimed = nullptr;
    {
      Bucket& bucket = bucket_of(address);
      const BucketGuard guard(bucket);
      if (still()) {
        push(bucket, place);
        return &place;
      }
      claimed = claim_all(bucket, address);
    }
    colibri::wake_all(claimed);
    return nullptr;
  }

  /// Waits at a place from join. kFired: somebody has woken it. Otherwise the terms were not met,
  /// the place has been left, and `left()` was called under the bucket's lock.
  template <class Left>
  static WakeReason wait(WaitPlace& place, const WaitTerms& terms, Left left) {
    return wait(place, terms, left, [](Deadline&) { return true; });
  }

  /// The same, but when the deadline is over, `is_over(deadline)` is asked: true ends the wait;
  /// false has it go on, in its place in the queue, to the deadline that was set anew.
  template <class Left, class IsOver>
  static WakeReason wait(WaitPlace& place, WaitTerms terms, Left left, IsOver is_over) {
    WakeReason reason = WakeReason::kFired;
    do {
      reason = place.waiter->wait(terms);
    } while (reason == WakeReason::kTimeout && !is_over(terms.deadline));
    return end(place, reason, left);
  }

  /// The same, but where a plain thread waits, pthread_cancel ends that: the frames above are
  /// unwound, after `left()` or, if the place had been woken, after `woken()`.
  template <class Left, class Woken, class IsOver>
  static WakeReason wait_cancelable(WaitPlace& place, WaitTerms terms, Left left, Woken woken,
                                    IsOver is_over) {
    WakeReason reason = WakeReason::kFired;
    try {
      do {
        reason = place.waiter->wait_cancelable(terms);
      } while (reason == WakeReason::kTimeout && !is_over(terms.deadline));
    } catch (...) {
      if (!leave(place, left)) woken();
      throw;
    }
    return end(place, reason, left);
  }

  /// Gives a place from join up again: true if nobody has woken it, after calling `left()` under
  /// the bucket's lock.
  template <class Left>
  static bool leave(WaitPlace& place, Left left) {
    place.waiter->pass_on =
        nullptr;  // whatever it is woken for by now is the caller's to answer for
    {
      Bucket& bucket = bucket_of(reinterpret_cast<const void*>(place.note));
      const BucketGuard guard(bucket);
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
  static void wake_one(const void* address, Choose choose);

  /// As wake_one, for signal handlers, too, and only for places that say kCanBeMissed: `choose`
  /// says whether the first of them, which is never null, is to be woken. If the bucket's lock is
  /// taken, whoever holds it wakes them all instead.
  template <class Choose>
  static void wake_one_from_anywhere(const void* address, Choose choose) {
    WaitPlace* place = nullptr;
    {
      Bucket& bucket = bucket_of(address);
      const BucketGuard guard(bucket, kOrLeaveNote);
      if (!guard.holds()) return;
      place = find(bucket.waiting.first(), address);
      while (place != nullptr && (place->index & kCanBeMissed) == 0) place = next_of(*place);
      if (place == nullptr || !choose(*place)) return;
      bucket.waiting.remove(*place);
    }
    wake_from_anywhere(place->waiter);
  }

  /// Those whom serve is to wake.
  class Chosen;

  /// `choose(first, chosen)` is called under the bucket's lock with the first place at `address`,
  /// null if there is nobody; next_of has the others. Wakes those whom it takes into `chosen`.
  template <class Choose>
  static void serve(const void* address, Choose choose);

  /// For `choose`: who has waited at the same address for a shorter time, null if nobody has. To be
  /// asked before `place` is taken.
  static WaitPlace* next_of(const WaitPlace& place) noexcept {
    return find(place.next, reinterpret_cast<const void*>(place.note));
  }

  /// Wakes everybody who waits at `address`. `chosen()` is called under the bucket's lock.
  template <class Chosen>
  static void wake_all(const void* address, Chosen chosen) {
    WaitPlace* claimed = nullptr;
    {
      Bucket& bucket = bucket_of(address);
      const BucketGuard guard(bucket);
      claimed = claim_all(bucket, address);
      chosen();
    }
    colibri::wake_all(claimed);
  }

  /// Takes out the place of one who will never run again: true if it was in the table. What its
  /// object counts stays as it is.
  static bool forget(WaitPlace& place) noexcept;

  /// The same for one who was abandoned. What it was woken for, somebody else has instead.
  static void abandon(Waiter& waiter) noexcept;

  /// Never 0; another one in the child of a fork than in the parent. Signal handlers may ask.
  static std::uint32_t generation() noexcept {
    const std::uint32_t now = table_.generation.load(std::memory_order_relaxed);
    return now != 0 ? now : begin_generation();
  }

  /// In the child of a fork.
  static void wipe_in_child() noexcept;

 private:
  struct Bucket {
    SmallLock lock;
    std::atomic<bool> missed;  // the note that somebody who could not take the lock has left
    WaitQueue waiting;
  };
  static constexpr std::size_t kBuckets = 1024;
  struct alignas(kLargestPageBytes) Table {
    Bucket buckets[kBuckets];
    std::atomic<std::uint32_t> generation;
  };

  enum HowToLock { kOrWait, kOrLeaveNote };
  /// Holds a bucket's lock for a scope. Afterwards it reads the notes of those who could not.
  class [[nodiscard]] BucketGuard {
   public:
    explicit BucketGuard(Bucket& bucket, HowToLock how = kOrWait) noexcept : bucket_(bucket) {
      if (how == kOrWait) {
        bucket_.lock.lock();
      } else if (!bucket_.lock.try_lock()) {
        bucket_.missed.store(true);
        // Its holder may have let go before he could see the note.
        holds_ = bucket_.lock.try_lock();
      }
    }
    ~BucketGuard() {
      if (!holds_) return;
      bucket_.lock.unlock();
      if (bucket_.missed.load()) [[unlikely]]
        wake_missed(bucket_);
    }
    BucketGuard(const BucketGuard&) = delete;
    BucketGuard& operator=(const BucketGuard&) = delete;

    bool holds() const noexcept { return holds_; }

   private:
    Bucket& bucket_;
    bool holds_ = true;
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

  static void push(Bucket& bucket, WaitPlace& place) noexcept {
    if ((place.index & kGoesFirst) != 0) {
      bucket.waiting.push_front(place);
    } else {
      bucket.waiting.push_back(place);
    }
  }
  template <class Left>
  static WakeReason end(WaitPlace& place, WakeReason reason, Left left) {
    if (reason != WakeReason::kFired && !leave(place, left)) reason = WakeReason::kFired;
    place.waiter->pass_on = nullptr;
    return reason;
  }
  static WaitPlace& begin(const void* address, bool may_park, std::uint32_t manner) noexcept;
  static WaitPlace* claim_all(Bucket& bucket, const void* address) noexcept;
  static void wake_from_anywhere(Waiter* waiter) noexcept;
  static void wake_missed(Bucket& bucket) noexcept;
  static std::uint32_t begin_generation() noexcept;

  static constinit Table table_;
};

class ParkingLot::Chosen {
 public:
  void take(WaitPlace& place) noexcept {
    bucket_.waiting.remove(place);
    place.next = nullptr;
    *end_ = &place;
    end_ = &place.next;
  }

 private:
  friend class ParkingLot;
  explicit Chosen(Bucket& bucket) noexcept : bucket_(bucket) {}
  Chosen(const Chosen&) = delete;
  Chosen& operator=(const Chosen&) = delete;

  Bucket& bucket_;
  WaitPlace* first_ = nullptr;
  WaitPlace** end_ = &first_;
};

template <class Choose>
void ParkingLot::serve(const void* address, Choose choose) {
  Bucket& bucket = bucket_of(address);
  Chosen chosen(bucket);
  {
    const BucketGuard guard(bucket);
    choose(find(bucket.waiting.first(), address), chosen);
  }
  colibri::wake_all(chosen.first_);
}

template <class Choose>
void ParkingLot::wake_one(const void* address, Choose choose) {
  serve(address, [&choose](WaitPlace* first, Chosen& chosen) {
    if (first != nullptr) chosen.take(*first);
    choose(first);
  });
}

}  // namespace colibri
