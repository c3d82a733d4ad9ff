// What the handles of one channel share: the values on their way, and who waits for them.
//
// Invariants, under the lock:
//   1. receivers wait only while no value is there: none in the ring, and no sender waits;
//   2. senders wait only while the ring is full (always, if it has no room at all);
//   3. once closed, nobody waits.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/ring.h"
#include "colibri/core/wait.h"

namespace colibri {

/// What became of an attempt to send or receive.
enum class Transfer { kDone, kClosed, kMustWait };

/// A waiter's place at a channel, with the value that it sends or is to receive. Values change
/// hands here, in the heap, and never by a pointer into a parked coroutine's stack.
template <class T>
struct ChannelSlot : WaitPlace {
  std::optional<T> value;
  ChannelSlot* next_slot = nullptr;
};

/// The part that does not depend on what is sent.
struct ChannelQueues {
  ChannelQueues(const WaitedThing& sending, const WaitedThing& receiving) noexcept
      : senders(sending), receivers(receiving) {}

  BiasedLock lock;             // the first member: see WaitedThing
  WaitQueue senders;           // of slots that hold values
  WaitQueue receivers;         // of slots to be filled; empty ones when claimed by close
  const char* name = nullptr;  // for people who look inside
};

/// Methods named …_locked want `lock` held; none of them waits. In the heap, by make_shared: it
/// knows how many handles there are.
template <class T>
class ChannelState : public ChannelQueues, public std::enable_shared_from_this<ChannelState<T>> {
 public:
  static_assert(std::movable<T> && std::is_nothrow_move_constructible_v<T>,
                "values of a channel must be movable without an exception");
  using Slot = ChannelSlot<T>;

  explicit ChannelState(std::size_t capacity)
      : ChannelQueues(kSending, kReceiving), ring_(capacity) {}
  ~ChannelState() {
    check(senders.empty() && receivers.empty(),
          "a Channel was destroyed while others wait for it; give each coroutine a handle of its "
          "own, by capturing a copy");
    while (free_slots_ != nullptr) delete std::exchange(free_slots_, free_slots_->next_slot);
  }

  /// Moves `value` on if it need not wait, or leaves it alone. `to_wake`: who has received it.
  Transfer try_send_locked(T& value, WaitPlace*& to_wake) noexcept {
    if (closed_) return Transfer::kClosed;
    if (WaitPlace* receiver = receivers.claim_first(); receiver != nullptr) {
      static_cast<Slot*>(receiver)->value.emplace(std::move(value));
      to_wake = receiver;
      return Transfer::kDone;
    }
    if (ring_.full()) return Transfer::kMustWait;
    ring_.push_back(std::move(value));
    return Transfer::kDone;
  }

  /// Puts the next value into `value`, if there is one. `to_wake`: whose value has found its place.
  Transfer try_receive_locked(std::optional<T>& value, WaitPlace*& to_wake) noexcept {
    if (!ring_.empty()) {
      value.emplace(ring_.pop_front());
      to_wake = senders.claim_first();
      if (to_wake != nullptr) ring_.push_back(take(*static_cast<Slot*>(to_wake)));
      return Transfer::kDone;
    }
    to_wake = senders.claim_first();
    if (to_wake != nullptr) {
      value.emplace(take(*static_cast<Slot*>(to_wake)));
      return Transfer::kDone;
    }
    return closed_ ? Transfer::kClosed : Transfer::kMustWait;
  }

  /// A slot for a wait of `waiter`. Slots are kept for later waits, so that a channel allocates
  /// only when more wait for it than ever before. Throws std::bad_alloc.
  [[gnu::always_inline]] Slot& take_slot_locked(Waiter& waiter) {
    Slot* slot = free_slots_;
    if (slot != nullptr) [[likely]] {
      free_slots_ = slot->next_slot;
    } else {
      slot = new Slot;
    }
    slot->waiter = &waiter;
    slot->one_of_several = false;
    return *slot;
  }

  void put_back_locked(Slot& slot) noexcept {
    slot.value.reset();
    slot.next_slot = free_slots_;
    free_slots_ = &slot;
  }

  void close() noexcept {
    BiasedGuard guard(lock);
    closed_ = true;
    WaitPlace* waiting = senders.empty() ? receivers.claim_all() : senders.claim_all();
    guard.release();
    wake_all(waiting);
  }

  bool closed_locked() const noexcept { return closed_; }
  const Ring<T>& ring_locked() const noexcept { return ring_; }

 private:
  static void look(BiasedLock& lock, WaitFacts& facts) noexcept {
    const auto& self = static_cast<const ChannelState&>(reinterpret_cast<ChannelQueues&>(lock));
    facts.name = self.name;
    facts.count = self.ring_.size();
    facts.most = self.ring_.capacity();
    facts.handles = static_cast<std::size_t>(self.weak_from_this().use_count());
  }
  static constexpr WaitedThing kSending{"channel", "send", &look};
  static constexpr WaitedThing kReceiving{"channel", "receive", &look};

  static T take(Slot& slot) noexcept {
    T value(std::move(*slot.value));
    slot.value.reset();
    return value;
  }

  Ring<T> ring_;
  Slot* free_slots_ = nullptr;
  bool closed_ = false;
};

}  // namespace colibri
