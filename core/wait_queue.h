// Places in queues that several threads may use, each guarded by the lock of the object it is part
// of; wait_list.h has the simpler kind, of one scheduler.
#pragma once

#include <atomic>
#include <cstdint>

namespace colibri {

class BiasedLock;
class Waiter;
class WaitQueue;
struct ParkedThing;
struct WaitedThing;

/// A waiter's place in one queue. Lies in the control block or in the heap, never on a coroutine's
/// stack, since it is found by others while the coroutine is parked.
struct WaitPlace {
  WaitPlace* next = nullptr;
  WaitPlace* previous = nullptr;
  Waiter* waiter = nullptr;
  std::uintptr_t note = 0;  // the queue's own use
  // Which of several things, for one who waits for several; in the parking lot, its manner.
  std::uint32_t index = 0;
  // Changed under the lock of the thing; may be looked at without it.
  std::atomic<bool> queued{false};
  bool one_of_several = false;  // to be claimed before it may be served
  // For Waiter::leave_queues.
  WaitQueue* queue = nullptr;
  BiasedLock* lock = nullptr;
  WaitPlace* sibling = nullptr;  // the next one of the same waiter
  // In the parking lot, what it waits for, if that says it; read on the waiter's thread alone.
  const ParkedThing* parked_at = nullptr;
};

/// Who waits for one thing, first come first. All bytes zero is an empty queue.
class WaitQueue {
 public:
  constexpr WaitQueue() noexcept = default;
  /// `thing`: what is waited for; must live as long as the program.
  explicit constexpr WaitQueue(const WaitedThing& thing) noexcept : thing_(&thing) {}

  /// Null: it does not say.
  const WaitedThing* thing() const noexcept { return thing_; }

  bool empty() const noexcept { return first_ == nullptr; }
  WaitPlace* first() const noexcept { return first_; }

  void push_back(WaitPlace& place) noexcept {
    place.queued.store(true, std::memory_order_relaxed);
    place.next = nullptr;
    place.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &place;
    last_ = &place;
  }

  /// Before all others.
  void push_front(WaitPlace& place) noexcept {
    place.queued.store(true, std::memory_order_relaxed);
    place.previous = nullptr;
    place.next = first_;
    (first_ != nullptr ? first_->previous : last_) = &place;
    first_ = &place;
  }

  void remove(WaitPlace& place) noexcept {
    (place.previous != nullptr ? place.previous->next : first_) = place.next;
    (place.next != nullptr ? place.next->previous : last_) = place.previous;
    place.queued.store(false, std::memory_order_relaxed);
  }

  /// Takes out the first whom nobody has claimed for something else, and claims it: it must then be
  /// woken, after the lock has been released. Null if there is none.
  WaitPlace* claim_first() noexcept;

  /// Claims everybody: a chain by `next`, to be given to wake_all after the lock has been released.
  WaitPlace* claim_all() noexcept;

 private:
  WaitPlace* first_ = nullptr;
  WaitPlace* last_ = nullptr;
  const WaitedThing* thing_ = nullptr;
};

/// Wakes those whom claim_all returned.
void wake_all(WaitPlace* claimed) noexcept;

}  // namespace colibri
