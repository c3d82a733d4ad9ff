// Timers by the million: a hierarchical wheel in front of a small exact heap.
//
// The wheel (Varghese and Lauck, 1987) has four levels of 256 slots; a level-0 slot is one tick of
// 2^20 ns (1.05 ms). Arming and cancelling are constant time, and a bitmap a level finds the next
// slot in use. A slot whose time comes near empties into a pairing heap (Fredman et al., 1986),
// which is ordered by the exact nanosecond: so nothing fires early, order among timers is exact,
// and a sleep of 50 µs is one of 50 µs. Both structures link timers through the timers
// themselves: no allocation, so arming cannot fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace colibri {

/// A timer, owned by whoever embeds it; it must outlive its time in the queue and must not lie on
/// a coroutine's stack.
struct Timer {
  /// When it fires, in nanoseconds of the queue's clock.
  std::int64_t deadline = 0;
  /// Called by TimerQueue::advance when the deadline has passed; the timer is idle again by then.
  void (*fire)(Timer& timer) = nullptr;

  /// True from arm until it fires or is disarmed.
  bool armed() const noexcept { return is_armed; }

  static constexpr std::uint16_t kIdle = 0xffff;
  static constexpr std::uint16_t kInHeap = 0xfffe;

  // Used by TimerQueue alone. In a wheel slot: list links. In the heap: next sibling, and the
  // left sibling or (for a first child) the parent.
  Timer* next = nullptr;
  Timer* previous = nullptr;
  Timer* first_child = nullptr;
  std::uint16_t place = kIdle;  // level * 256 + slot, or one of the two above
  bool is_armed = false;
};

/// Not thread-safe: it belongs to one scheduler.
class TimerQueue {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// `now` is where the queue's clock stands, in nanoseconds.
  explicit TimerQueue(std::int64_t now) noexcept : tick_(tick_of(now)) {}
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  ~TimerQueue();

  /// Arms `timer` at its deadline; one in the past fires at the next advance. It must not be armed.
  void arm(Timer& timer) noexcept;
  /// Disarms `timer` and lets go of it; no effect on one that is not armed. It may then be
  /// destroyed.
  void cancel(Timer& timer) noexcept;
  /// Disarms `timer`, which may stay linked where it is: arming it again for a later time, as a
  /// connection's time-out is with every message, then touches nothing but the timer itself. It
  /// must be given to cancel before it is destroyed.
  void disarm(Timer& timer) noexcept;
  /// Fires every timer with a deadline at or before `now`, earliest first. Timers armed by a
  /// `fire` function count, too, if they are due.
  void advance(std::int64_t now) noexcept;
  /// When advance should be called next: never later than the earliest deadline, and possibly
  /// earlier for timers that are far away (a slot of a high level must be sorted into lower ones
  /// first). kNever when no timer is armed.
  std::int64_t next_wake() noexcept;

  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }

 private:
  static constexpr int kTickShift = 20;
  static constexpr int kLevels = 4;
  static constexpr int kSlots = 256;

  static std::int64_t tick_of(std::int64_t time) noexcept { return time >> kTickShift; }

  void place(Timer& timer) noexcept;
  void unlink(Timer& timer) noexcept;
  std::int64_t tick_of_slot(int level, int slot) const noexcept;
  void push_slot(Timer& timer, int level, int slot) noexcept;
  Timer* take_slot(int level, int slot) noexcept;
  void scatter(int level, int slot, std::int64_t due_tick) noexcept;
  std::int64_t next_tick(int level) const noexcept;
  std::int64_t next_tick() const noexcept;
  void step_to(std::int64_t tick) noexcept;

  void push_heap(Timer& timer) noexcept;
  void remove_from_heap(Timer& timer) noexcept;
  static Timer* merge(Timer* left, Timer* right) noexcept;
  static Timer* merge_children(Timer* first) noexcept;

  std::int64_t tick_;
  std::size_t count_ = 0;
  std::size_t wheel_count_ = 0;  // timers linked in slots, armed or not
  Timer* heap_ = nullptr;
  std::uint64_t used_[kLevels][kSlots / 64] = {};
  Timer* slots_[kLevels][kSlots] = {};
};

}  // namespace colibri
