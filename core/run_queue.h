// Who runs next: first come, first served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "colibri/core/control_block.h"

namespace colibri {

/// A ring of ready coroutines. One scheduler's own.
///
/// A ring, and not a list through the control blocks, since it shows several places ahead who will
/// run: their memory is fetched while others run, which halves the cost of a switch among ten
/// thousand coroutines.
class RunQueue {
 public:
  RunQueue() : ring_(std::make_unique<ControlBlock*[]>(kSmallest)) {}

  bool empty() const noexcept { return head_ == tail_; }
  std::size_t size() const noexcept { return tail_ - head_; }

  /// Makes room for `count` coroutines in all, so that push_back cannot fail. Strong guarantee;
  /// throws std::bad_alloc.
  void reserve(std::size_t count) {
    if (count > mask_) [[unlikely]]
      grow();
  }

  /// Gives back room that `count` coroutines in all do not need. Keeps it when memory is short.
  void shrink(std::size_t count) noexcept {
    std::size_t capacity = kSmallest;
    while (capacity <= count) capacity *= 2;
    if (capacity > mask_ / 2) return;
    std::unique_ptr<ControlBlock*[]> smaller(new (std::nothrow) ControlBlock*[capacity]());
    if (smaller != nullptr) move_to(std::move(smaller), capacity);
  }

  /// There must be room.
  void push_back(ControlBlock& coroutine) noexcept { ring_[tail_++ & mask_] = &coroutine; }

  /// The same, before all others.
  void push_front(ControlBlock& coroutine) noexcept { ring_[--head_ & mask_] = &coroutine; }

  /// Moves on by one with everybody who is taken out, and back by one with push_front.
  std::size_t position() const noexcept { return head_; }

  /// The same for another thread to look at: as it is, or was a moment ago. The owner pays nothing
  /// for that, and no order with anything else is promised; sanitizers are not to look.
  [[gnu::noinline]] __attribute__((no_sanitize("thread"))) std::size_t position_from_outside()
      const noexcept {
    return *static_cast<const volatile std::size_t*>(&head_);
  }
  /// Who was pushed to the back when `position() + size()` was this; as long as the queue's
  /// capacity has not been pushed since.
  const ControlBlock& at(std::size_t position) const noexcept { return *ring_[position & mask_]; }

  /// push_back(coroutine) and pop_front() in one, which need no room.
  ControlBlock* rotate(ControlBlock& coroutine) noexcept {
    const std::size_t head = head_;
    const std::size_t tail = tail_;
    head_ = head + 1;
    tail_ = tail + 1;
    if (head == tail) return &coroutine;
    ControlBlock* first = ring_[head & mask_];
    ring_[tail & mask_] = &coroutine;
    if (tail - head >= kBlockAhead) prefetch();
    return first;
  }

  /// Null when empty.
  ControlBlock* pop_front() noexcept {
    const std::size_t waiting = size();
    if (waiting == 0) return nullptr;
    ControlBlock* first = ring_[head_ & mask_];
    ++head_;
    if (waiting > kBlockAhead) prefetch();
    return first;
  }

  /// Has the one who stands `index` places behind the first, below size(), change places with it.
  void bring_forward(std::size_t index) noexcept {
    std::swap(ring_[head_ & mask_], ring_[(head_ + index) & mask_]);
  }

  /// Forgets everybody.
  void clear() noexcept { head_ = tail_; }

 private:
  /// Fetches the control block of one who will run soon, and the stack of one who will run sooner,
  /// whose control block is here by now. Inlined by force: g++ takes a call of such a function for
  /// one without effect, and drops it.
  [[gnu::always_inline]] void prefetch() const noexcept {
    __builtin_prefetch(ring_[(head_ + kBlockAhead - 1) & mask_]);
    const ControlBlock* soon = ring_[(head_ + kStackAhead) & mask_];
    const auto* stack = static_cast<const std::byte*>(soon->stack_pointer);
    __builtin_prefetch(stack);
    __builtin_prefetch(stack + 64);
    // One that comes back from a descriptor returns through the frames of a hook, to a buffer.
    if (soon->wait_kind != WaitKind::kNothing) {
      for (std::size_t line = 2; line < kHookLines; ++line) __builtin_prefetch(stack + 64 * line);
    }
  }

  static constexpr std::size_t kSmallest = 256;
  static constexpr std::size_t kBlockAhead = 6;
  static constexpr std::size_t kStackAhead = 2;
  static constexpr std::size_t kHookLines = 7;

  void grow() {
    const std::size_t capacity = 2 * (mask_ + 1);
    move_to(std::make_unique<ControlBlock*[]>(capacity), capacity);
  }

  void move_to(std::unique_ptr<ControlBlock*[]> ring, std::size_t capacity) noexcept {
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) {
      ring[(head_ + i) & (capacity - 1)] = ring_[(head_ + i) & mask_];
    }
    ring_ = std::move(ring);
    mask_ = capacity - 1;
  }

  // They only grow, but for push_front; far enough from 0 to stay in order.
  std::size_t head_ = std::size_t{1} << 48;
  std::size_t tail_ = head_;
  std::size_t mask_ = kSmallest - 1;  // the capacity is a power of two
  std::unique_ptr<ControlBlock*[]> ring_;
};

}  // namespace colibri
