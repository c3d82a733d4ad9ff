// What a wait looks at before it begins: cancellation, signals, time limits. The part of the
// scheduler that the usual wait, which has none of them, never enters.
#include "colibri/core/scheduler.h"
#include "colibri/core/unpark.h"

namespace colibri {

WakeReason Scheduler::park_watched(WaitRequest request) noexcept {
  // Before it is prepared, so that the request need not be kept.
  note_wait(request);
  if (thread_state.scheduler->prepare_to_park(request)) return thread_state.scheduler->park_now();
  thread_state.current->wait_kind = WaitKind::kNothing;
  return thread_state.current->wake_reason;
}

/// False if the coroutine must not park: its wake_reason says why.
bool Scheduler::prepare_to_park(WaitRequest request) noexcept {
  ControlBlock& self = *thread_state.current;
  if (must_refuse(self, request)) return false;
  // A handler that restarts calls interrupts no later one.
  if (request.never_restarts && acts_for_main(self)) {
    restarting_interruptions_.store(0, std::memory_order_relaxed);
  }
  const Deadline deadline = deadline_of(self, request);
  if (deadline.is_never() || arm_timer(self, deadline)) return true;
  self.wake_reason = WakeReason::kOutOfMemory;
  return false;
}

bool Scheduler::must_refuse(ControlBlock& self, const WaitRequest& request) noexcept {
  std::uint8_t attention = 0;
  for (ControlBlock* each = &self; each != nullptr; each = each->resumer_or_null()) {
    attention |= each->attention;
  }
  if (request.may_fail && (attention & ControlBlock::kCanceled) != 0) {
    // Code that ignores errors must not starve everybody else.
    yield_to_loop();
    self.wake_reason = WakeReason::kCanceled;
    return true;
  }
  if (request.interruptible && (attention & ControlBlock::kInterrupted) != 0) {
    for (ControlBlock* each = &self; each != nullptr; each = each->resumer_or_null()) {
      each->attention &= static_cast<std::uint8_t>(~ControlBlock::kInterrupted);
    }
    self.wake_reason = WakeReason::kInterrupted;
    return true;
  }
  return false;
}

WakeReason Scheduler::begin_watched_call() noexcept {
  for (ControlBlock* each = thread_state.current; each != nullptr; each = each->resumer_or_null()) {
    if ((each->attention & ControlBlock::kCanceled) != 0) {
      yield_to_loop();
      return WakeReason::kCanceled;
    }
    if (each->limit().has_passed()) return WakeReason::kLimit;
  }
  return WakeReason::kFired;
}

void Scheduler::yield_if_canceled() noexcept {
  for (ControlBlock* each = thread_state.current; each != nullptr; each = each->resumer_or_null()) {
    if ((each->attention & ControlBlock::kCanceled) == 0) continue;
    yield_to_loop();
    return;
  }
}

Deadline Scheduler::deadline_of(ControlBlock& self, const WaitRequest& request) noexcept {
  Deadline deadline = request.deadline;
  self.timer_is_limit = false;
  if (request.may_fail && self.attention != 0) {
    for (ControlBlock* each = &self; each != nullptr; each = each->resumer_or_null()) {
      if (each->limit() >= deadline) continue;
      deadline = each->limit();
      self.timer_is_limit = true;
    }
  }
  return deadline;
}

bool Scheduler::arm_timer(ControlBlock& self, Deadline deadline) noexcept {
  CoroutineExtras* extras = extras_of(self);
  if (extras == nullptr) return false;
  // The wheel's clock stands still while no timer is armed.
  if (timers_.empty()) timers_.advance(monotonic_now());
  extras->timer.deadline = deadline.nanoseconds();
  extras->timer.fire = [](Timer& timer) {
    ControlBlock& sleeper = *static_cast<CoroutineTimer&>(timer).coroutine;
    unpark(sleeper, sleeper.timer_is_limit ? WakeReason::kLimit : WakeReason::kTimeout);
  };
  timers_.arm(extras->timer);
  self.timer_armed = true;
  return true;
}

void Scheduler::disarm_timer(ControlBlock& self) noexcept {
  timers_.disarm(self.extras->timer);
  self.timer_armed = false;
}

}  // namespace colibri
