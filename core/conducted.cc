// The loop under a Conductor: one slice a turn.
#include <algorithm>

#include "colibri/core/scheduler.h"
#include "colibri/core/scheduler_watch.h"

namespace colibri {
namespace {

bool waits_for_descriptor(const ControlBlock& leaf) noexcept {
  return leaf.state == CoroutineState::kParked &&
         (leaf.wait_kind == WaitKind::kReadable || leaf.wait_kind == WaitKind::kWritable ||
          leaf.wait_kind == WaitKind::kPoll);
}

}  // namespace

void Scheduler::take_conducted_turn() noexcept {
  if (ready_.empty()) {
    const std::int64_t next_timer = std::min(timers_.next_wake(), stop_by_);
    look_outside(conductor_->when_idle({next_timer, waits_for_outside()}));
  } else if (conductor_->looks_outside()) {
    look_outside(0);
  }
  if (!timers_.empty()) timers_.advance(monotonic_now());
  if (heard_of_handler()) handle_interrupt();
  main_ended_ |= conductor_->gives_up();
  if (!ready_.empty()) run_conducted_slice();
}

void Scheduler::run_conducted_slice() noexcept {
  ready_.bring_forward(conductor_->choose(ready_.size()));
  turn_ends_at_ = ready_.position() + 1;
  ControlBlock& next = *next_to_run();
  calls_left_ = conductor_->calls_in_slice();
  // The first spawn that lets the new one run at once goes by way of the loop, too.
  at_once_left_ = 1;
  if (!start_slice(next)) time_until_memory();
}

void Scheduler::look_outside(std::int64_t timeout) noexcept {
  if (timeout != 0 && !mailbox_->inbox.prepare_sleep()) timeout = 0;
  if (thread_state.watch != nullptr) tell_watches(&SchedulerWatch::before_look, timeout);
  wait_for_events(timeout);
  mailbox_->inbox.deliver_all();
  if (thread_state.watch != nullptr) {
    tell_watches(&SchedulerWatch::after_look, timers_.next_wake());
  }
}

bool Scheduler::waits_for_outside() const noexcept {
  if (masked_waits_ != nullptr) return true;
  for (const ControlBlock* each = alive_; each != nullptr; each = each->next_alive) {
    if (waits_for_descriptor(leaf_of(*each))) return true;
  }
  return false;
}

void Scheduler::begin_conducted_call() noexcept {
  if (is_conducted() && --calls_left_ == 0) yield_to_loop();
}

}  // namespace colibri
