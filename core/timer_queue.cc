#include "colibri/core/timer_queue.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "colibri/core/check.h"

namespace colibri {

TimerQueue::~TimerQueue() {
  for (auto& level : slots_) {
    for (Timer* head : level) {
      for (Timer* timer = head; timer != nullptr; timer = timer->next) timer->place = Timer::kIdle;
    }
  }
}

void TimerQueue::arm(Timer& timer) noexcept {
  check(!timer.armed(), "TimerQueue::arm called on a timer that is armed; cancel it first");
  ++count_;
  timer.is_armed = true;
  if (timer.place != Timer::kIdle) {
    // Still linked since it was disarmed. A slot that comes up before the new deadline will do:
    // the timer is placed anew then.
    if (tick_of(timer.deadline) >= tick_of_slot(timer.place / kSlots, timer.place % kSlots)) return;
    unlink(timer);
  }
  place(timer);
}

void TimerQueue::disarm(Timer& timer) noexcept {
  if (!timer.armed()) return;
  --count_;
  timer.is_armed = false;
  if (timer.place != Timer::kInHeap) return;
  remove_from_heap(timer);
  timer.place = Timer::kIdle;
}

void TimerQueue::cancel(Timer& timer) noexcept {
  disarm(timer);
  if (timer.place == Timer::kIdle) return;
  unlink(timer);
  timer.place = Timer::kIdle;
}

void TimerQueue::unlink(Timer& timer) noexcept {
  const int level = timer.place / kSlots;
  const int slot = timer.place % kSlots;
  if (timer.next != nullptr) timer.next->previous = timer.previous;
  if (timer.previous != nullptr) {
    timer.previous->next = timer.next;
  } else {
    slots_[level][slot] = timer.next;
    if (timer.next == nullptr) used_[level][slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  }
  --wheel_count_;
}

void TimerQueue::advance(std::int64_t now) noexcept {
  for (;;) {
    const std::int64_t tick = wheel_count_ == 0 ? kNever : next_tick();
    // Everything in the wheel lies at or after `tick`; what the heap holds before that is safe to
    // fire first, in order.
    const std::int64_t horizon = tick == kNever ? kNever : tick << kTickShift;
    while (heap_ != nullptr && heap_->deadline <= now && heap_->deadline < horizon) {
      Timer& timer = *heap_;
      remove_from_heap(timer);
      timer.place = Timer::kIdle;
      timer.is_armed = false;
      --count_;
      timer.fire(timer);
      // It may have armed one that is due before the rest of the heap.
      if (wheel_count_ != 0 && next_tick() < tick) break;
    }
    // A fire function may have armed a timer before the slot that was found: look again.
    if (wheel_count_ != 0 && next_tick() < tick) continue;
    if (tick > tick_of(now)) break;
    step_to(tick);
  }
  tick_ = std::max(tick_, tick_of(now));
}

std::int64_t TimerQueue::next_wake() noexcept {
  if (empty()) return kNever;  // what is linked still is disarmed
  // Sort near slots into the heap ahead of their time: the thread then sleeps once, until the
  // exact deadline, instead of waking at the slot's start as well.
  while (wheel_count_ != 0) {
    const std::int64_t tick = next_tick();
    if (heap_ != nullptr && heap_->deadline < (tick << kTickShift)) break;
    if (next_tick(0) != tick) return tick << kTickShift;
    scatter(0, static_cast<int>(tick % kSlots), tick);
  }
  return heap_ != nullptr ? heap_->deadline : kNever;
}

// Wheel -----------------------------------------------------------------------------------------

void TimerQueue::place(Timer& timer) noexcept {
  const std::int64_t delta = tick_of(timer.deadline) - tick_;
  if (delta <= 0) {
    push_heap(timer);
    return;
  }
  // The last slot of the top level also takes what lies beyond the wheel (about 52 days); it is
  // placed anew whenever that slot comes round.
  constexpr std::int64_t kFarthest = (std::int64_t{1} << (8 * kLevels)) - 1;
  const auto distance = static_cast<std::uint64_t>(std::min(delta, kFarthest));
  const auto level = static_cast<int>((std::bit_width(distance) - 1) / 8);
  const std::int64_t tick = tick_ + static_cast<std::int64_t>(distance);
  push_slot(timer, level, static_cast<int>((tick >> (8 * level)) & (kSlots - 1)));
}

void TimerQueue::push_slot(Timer& timer, int level, int slot) noexcept {
  Timer*& head = slots_[level][slot];
  timer.previous = nullptr;
  timer.next = head;
  if (head != nullptr) head->previous = &timer;
  head = &timer;
  timer.place = static_cast<std::uint16_t>(level * kSlots + slot);
  used_[level][slot / 64] |= std::uint64_t{1} << (slot % 64);
  ++wheel_count_;
}

Timer* TimerQueue::take_slot(int level, int slot) noexcept {
  used_[level][slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  return std::exchange(slots_[level][slot], nullptr);
}

void TimerQueue::scatter(int level, int slot, std::int64_t due_tick) noexcept {
  for (Timer* timer = take_slot(level, slot); timer != nullptr;) {
    Timer* next = timer->next;
    --wheel_count_;
    if (!timer->armed()) {
      timer->place = Timer::kIdle;
    } else if (tick_of(timer->deadline) <= due_tick) {
      push_heap(*timer);
    } else {
      place(*timer);
    }
    timer = next;
  }
}

std::int64_t TimerQueue::tick_of_slot(int level, int slot) const noexcept {
  const std::int64_t position = tick_ >> (8 * level);
  const std::int64_t distance = ((slot - position - 1) & (kSlots - 1)) + 1;
  return (position + distance) << (8 * level);
}

std::int64_t TimerQueue::next_tick(int level) const noexcept {
  const std::int64_t position = tick_ >> (8 * level);
  const int start = static_cast<int>((position + 1) & (kSlots - 1));
  // Five words: the one where the search starts is looked at twice, above and below the start.
  for (int step = 0; step <= kSlots / 64; ++step) {
    const int word = (start / 64 + step) % (kSlots / 64);
    std::uint64_t bits = used_[level][word];
    const std::uint64_t from_start = ~std::uint64_t{0} << (start % 64);
    if (step == 0) bits &= from_start;
    if (step == kSlots / 64) bits &= ~from_start;
    if (bits == 0) continue;
    const int slot = word * 64 + std::countr_zero(bits);
    const int distance = ((slot - start) & (kSlots - 1)) + 1;
    return (position + distance) << (8 * level);
  }
  return kNever;
}

std::int64_t TimerQueue::next_tick() const noexcept {
  std::int64_t earliest = kNever;
  for (int level = 0; level < kLevels; ++level) earliest = std::min(earliest, next_tick(level));
  return earliest;
}

void TimerQueue::step_to(std::int64_t tick) noexcept {
  tick_ = tick;
  for (int level = kLevels - 1; level >= 0; --level) {
    const std::int64_t span = std::int64_t{1} << (8 * level);
    if (tick % span != 0) continue;
    scatter(level, static_cast<int>((tick >> (8 * level)) & (kSlots - 1)), tick);
  }
}

// Pairing heap ----------------------------------------------------------------------------------

Timer* TimerQueue::merge(Timer* left, Timer* right) noexcept {
  if (left == nullptr) return right;
  if (right == nullptr) return left;
  if (right->deadline < left->deadline) std::swap(left, right);
  right->previous = left;
  right->next = left->first_child;
  if (left->first_child != nullptr) left->first_child->previous = right;
  left->first_child = right;
  return left;
}

Timer* TimerQueue::merge_children(Timer* first) noexcept {
  // Two passes without recursion: pair from left to right onto a stack, then fold the stack.
  Timer* pairs = nullptr;
  while (first != nullptr) {
    Timer* left = first;
    Timer* right = left->next;
    first = right != nullptr ? right->next : nullptr;
    left->next = left->previous = nullptr;
    if (right != nullptr) right->next = right->previous = nullptr;
    Timer* pair = merge(left, right);
    pair->next = pairs;
    pairs = pair;
  }
  Timer* root = nullptr;
  while (pairs != nullptr) {
    Timer* next = std::exchange(pairs->next, nullptr);
    root = merge(root, pairs);
    pairs = next;
  }
  return root;
}

void TimerQueue::push_heap(Timer& timer) noexcept {
  timer.next = timer.previous = timer.first_child = nullptr;
  timer.place = Timer::kInHeap;
  heap_ = merge(heap_, &timer);
}

void TimerQueue::remove_from_heap(Timer& timer) noexcept {
  Timer* children = merge_children(std::exchange(timer.first_child, nullptr));
  if (&timer == heap_) {
    heap_ = children;
    return;
  }
  Timer* previous = timer.previous;
  if (timer.next != nullptr) timer.next->previous = previous;
  if (previous->first_child == &timer) {
    previous->first_child = timer.next;
  } else {
    previous->next = timer.next;
  }
  heap_ = merge(heap_, children);
}

}  // namespace colibri
