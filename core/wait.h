// The parts of waiter.h and wait_queue.h that every channel operation passes through, inline.
#pragma once

#include "colibri/core/biased_lock.h"
#include "colibri/core/canceled.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/unpark.h"
#include "colibri/core/waited_thing.h"
#include "colibri/core/waiter.h"

namespace colibri {

/// Who runs, as an owner of what others wait for: see WaitFacts.
inline std::uintptr_t current_owner() noexcept {
  ControlBlock* self = thread_state.current;
  return self != nullptr ? reinterpret_cast<std::uintptr_t>(self)
                         : reinterpret_cast<std::uintptr_t>(&thread_state) | WaitFacts::kOfThread;
}

[[gnu::always_inline]] inline Waiter& Waiter::begin() noexcept {
  if (!can_park()) [[unlikely]]
    return begin_as_thread();
  CoroutineExtras* extras = thread_state.current->extras;
  if (extras == nullptr) [[unlikely]]
    extras = wait_for_extras();
  Waiter& self = extras->waiter;
  if (self.coroutine_ == nullptr) [[unlikely]]
    self.join_scheduler();
  self.word_.store(kAwake, std::memory_order_relaxed);
  return self;
}

[[gnu::always_inline]] inline void Waiter::wake() noexcept {
  if (thread_ != &thread_state) [[unlikely]] {
    wake_from_elsewhere();
    return;
  }
  word_.store(kWoken, std::memory_order_relaxed);
  unpark(*coroutine_, WakeReason::kFired);
}

[[gnu::always_inline]] inline WakeReason Waiter::wait_inlined(const WaitTerms& terms) noexcept {
  if (coroutine_ != nullptr) [[likely]] {
    const WakeReason reason =
        thread_state.scheduler->park({.deadline = terms.deadline, .may_fail = terms.may_fail});
    if (word_.load(std::memory_order_relaxed) == kWoken) [[likely]]
      return WakeReason::kFired;
    if (reason != WakeReason::kFired) return reason;
  }
  return wait(terms);
}

[[gnu::always_inline]] inline WakeReason wait_at_inlined(WaitPlace& place, WaitQueue& queue,
                                                         BiasedLock& lock, BiasedGuard& guard,
                                                         const WaitTerms& terms) noexcept {
  place.waiter->join(place, queue, lock);
  guard.release();
  const WakeReason reason = place.waiter->wait_inlined(terms);
  place.waiter->forget_places();
  if (reason == WakeReason::kFired) [[likely]]
    return reason;
  return leave(place, queue, lock) ? reason : WakeReason::kFired;
}

inline WaitPlace* WaitQueue::claim_first() noexcept {
  while (first_ != nullptr) {
    WaitPlace& place = *first_;
    remove(place);
    if (!place.one_of_several || place.waiter->claim(place.index)) [[likely]]
      return &place;
  }
  return nullptr;
}

[[gnu::always_inline]] inline void begin_call(const char* what) {
  if (!can_park()) [[unlikely]]
    return;
  const WakeReason reason = thread_state.scheduler->begin_call();
  if (reason != WakeReason::kFired) [[unlikely]]
    throw_if_failed(reason, what);
}

}  // namespace colibri
