#include "colibri/core/scheduler.h"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>

#include "colibri/core/check.h"
#include "colibri/core/coroutine_report.h"
#include "colibri/core/launch.h"
#include "colibri/core/unpark.h"

namespace colibri {
namespace {

constexpr std::uint32_t kFewestSlices = 256;
constexpr std::uint32_t kMostSlices = 16384;
constexpr std::int64_t kTurnNanoseconds = 100'000;

void restart_or_forget_in_child() {
  EventLoop::after_fork();
  if (can_park()) {
    thread_state.scheduler->restart_in_child();
  } else {
    EventLoop::forget_all_in_child();
  }
}

/// `coroutine`, and whom it resumed, will never run again: nobody can wake or join them.
void give_up(ControlBlock& coroutine) noexcept {
  leaf_of(coroutine).state = CoroutineState::kDone;
  coroutine.state = CoroutineState::kDone;
}

void watch_forks() {
  static const int registered =
      pthread_atfork(&EventLoop::before_fork, &EventLoop::after_fork, &restart_or_forget_in_child);
  check(registered == 0, "pthread_atfork failed: out of memory");
}

}  // namespace

StackPointer end_scheduled_coroutine(ControlBlock& self) noexcept {
  Scheduler& scheduler = *thread_state.scheduler;
  self.state = CoroutineState::kDone;
  scheduler.release_timer(self);
  scheduler.forget(self);
  // Still running on this stack, but nothing is acquired before it has been left.
  scheduler.stack_pool_.release(self.stack);
  scheduler.main_ended_ |= &self == scheduler.main_;
  ControlBlock* next = scheduler.main_ended_ ? nullptr : scheduler.next_to_run();
  thread_state.current = next;
  if (next == nullptr) return switch_for_good(self, thread_state.own_flow);
  next->state = CoroutineState::kRunning;
  next->started = true;
  return switch_for_good(self, *next);
}

Scheduler::Scheduler()
    : stack_pool_(thread_stack_pool()), timers_(monotonic_now()), mailbox_(acquire_mailbox()) {
  check(thread_state.scheduler == nullptr,
        "a second scheduler on one thread; colibri::run() must not be called inside run()");
  check(thread_state.current == nullptr,
        "colibri::run() called inside a coroutine; call it on the thread's own stack");
  watch_forks();
  thread_state.prepare();
  thread_state.scheduler = this;
  thread_state.run_queue = &ready_;
  thread_state.event_loop = &event_loop_;
  mailbox_->loop = &event_loop_;
}

Scheduler::~Scheduler() {
  mailbox_->inbox.close();
  {
    const SmallLockGuard guard(mailbox_->lock);
    mailbox_->loop = nullptr;
  }
  thread_state.scheduler = nullptr;
  thread_state.run_queue = nullptr;
  thread_state.event_loop = nullptr;
}

Scheduler& Scheduler::current(const char* caller) noexcept {
  if (thread_state.scheduler == nullptr) [[unlikely]] {
    fail(caller, " called on a thread without a scheduler; wrap main in colibri::run()");
  }
  return *thread_state.scheduler;
}

void Scheduler::start(ControlBlock& block, const SpawnOptions& options) noexcept {
  identify(block, options);
  block.end = &end_scheduled_coroutine;
  if (stopping_) block.attention |= ControlBlock::kCanceled;
  block.next_alive = alive_;
  if (alive_ != nullptr) alive_->previous_alive = &block;
  alive_ = &block;
  ++alive_count_;
  if (options.at_once && thread_state.current != nullptr) {
    run_at_once(block);
    return;
  }
  block.state = CoroutineState::kReady;
  ready_.push_back(block);
}

void Scheduler::run_at_once(ControlBlock& block) noexcept {
  ControlBlock& self = *thread_state.current;
  self.state = CoroutineState::kReady;
  if (--at_once_left_ == 0) [[unlikely]] {
    // All others have their turn first.
    at_once_left_ = kMostAtOnce;
    block.state = CoroutineState::kReady;
    ready_.push_back(block);
    ready_.push_back(self);
    switch_away(self);
    return;
  }
  ready_.push_front(self);
  block.state = CoroutineState::kRunning;
  block.started = true;
  thread_state.current = &block;
  switch_flow<SwitchEnding::kJump>(self, block);
}

void Scheduler::forget(ControlBlock& coroutine) noexcept {
  ControlBlock* next = coroutine.next_alive;
  ControlBlock* previous = coroutine.previous_alive;
  if (next != nullptr) next->previous_alive = previous;
  (previous != nullptr ? previous->next_alive : alive_) = next;
  --alive_count_;
}

// Switching --------------------------------------------------------------------------------------

void Scheduler::switch_to_loop_or_new(ControlBlock& self, ControlBlock* next) noexcept {
  thread_state.current = next;
  if (next == nullptr) {
    switch_flow<SwitchEnding::kReturn>(self, thread_state.own_flow);
    return;
  }
  next->state = CoroutineState::kRunning;
  next->started = true;
  // A new coroutine begins at another address than where switches return to.
  switch_flow<SwitchEnding::kJump>(self, *next);
}

void Scheduler::yield_to_loop() noexcept {
  slices_left_ = 1;
  yield();
}

WakeReason Scheduler::park(const WaitRequest& request) noexcept {
  ControlBlock& self = *thread_state.current;
  WakeReason refusal;
  if (must_refuse(self, request, refusal)) [[unlikely]]
    return refusal;
  self.wait_kind = request.kind;
  self.wait_descriptor = request.descriptor;
  self.wait_may_fail = request.may_fail;
  self.wait_interruptible = request.interruptible;
  const bool timed = arm_timer(self, request);
  self.state = CoroutineState::kParked;
  switch_away(self);
  if (timed) timers_.disarm(self.timer);
  self.wait_kind = WaitKind::kNothing;
  return self.wake_reason;
}

bool Scheduler::must_refuse(ControlBlock& self, const WaitRequest& request,
                            WakeReason& reason) noexcept {
  std::uint8_t attention = 0;
  for (ControlBlock* each = &self; each != nullptr; each = each->resumer) {
    attention |= each->attention;
  }
  if (attention == 0) [[likely]]
    return false;
  if (request.may_fail && (attention & ControlBlock::kCanceled) != 0) {
    // Code that ignores errors must not starve everybody else.
    yield_to_loop();
    reason = WakeReason::kCanceled;
    return true;
  }
  if (request.interruptible && (attention & ControlBlock::kInterrupted) != 0) {
    for (ControlBlock* each = &self; each != nullptr; each = each->resumer) {
      each->attention &= static_cast<std::uint8_t>(~ControlBlock::kInterrupted);
    }
    reason = WakeReason::kInterrupted;
    return true;
  }
  return false;
}

WakeReason Scheduler::begin_watched_call() noexcept {
  for (ControlBlock* each = thread_state.current; each != nullptr; each = each->resumer) {
    if ((each->attention & ControlBlock::kCanceled) != 0) {
      yield_to_loop();
      return WakeReason::kCanceled;
    }
    if (each->limit.has_passed()) return WakeReason::kLimit;
  }
  return WakeReason::kFired;
}

bool Scheduler::arm_timer(ControlBlock& self, const WaitRequest& request) noexcept {
  Deadline deadline = request.deadline;
  self.timer_is_limit = false;
  if (request.may_fail) {
    for (ControlBlock* each = &self; each != nullptr; each = each->resumer) {
      if (each->limit >= deadline) continue;
      deadline = each->limit;
      self.timer_is_limit = true;
    }
  }
  if (deadline.is_never()) [[likely]]
    return false;
  // The wheel's clock stands still while no timer is armed.
  if (timers_.empty()) timers_.advance(monotonic_now());
  self.timer.deadline = deadline.nanoseconds();
  self.timer.fire = [](Timer& timer) {
    ControlBlock& sleeper = *static_cast<CoroutineTimer&>(timer).coroutine;
    unpark(sleeper, sleeper.timer_is_limit ? WakeReason::kLimit : WakeReason::kTimeout);
  };
  timers_.arm(self.timer);
  return true;
}

// The loop ---------------------------------------------------------------------------------------

template <class Done>
void Scheduler::loop_until(Done done) noexcept {
  while (!done()) turn();
}

void Scheduler::turn() noexcept {
  std::int64_t timeout = ready_.empty() ? time_to_sleep() : 0;
  if (timeout != 0 && !mailbox_->inbox.prepare_sleep()) timeout = 0;
  event_loop_.wait(timeout);
  mailbox_->inbox.deliver_all();
  if (!timers_.empty()) timers_.advance(monotonic_now());
  if (interrupted_.load(std::memory_order_relaxed)) [[unlikely]]
    handle_interrupt();
  run_ready();
}

void Scheduler::run_ready() noexcept {
  slices_left_ = slices_per_turn_ + 1;
  ControlBlock* next = next_to_run();
  if (next == nullptr) return;
  ThreadState& thread = thread_state;
  next->state = CoroutineState::kRunning;
  next->started = true;
  thread.current = next;
  switch_flow<SwitchEnding::kReturn>(thread.own_flow, *next);
  if (slices_left_ == 0) {
    adjust_slices();
  } else {
    last_full_turn_ = 0;
  }
}

std::int64_t Scheduler::time_to_sleep() noexcept {
  const std::int64_t wake_at = std::min(timers_.next_wake(), stop_by_);
  if (wake_at == TimerQueue::kNever) return -1;
  return std::max<std::int64_t>(wake_at - monotonic_now(), 0);
}

void Scheduler::adjust_slices() noexcept {
  const std::int64_t now = monotonic_now();
  const std::int64_t took = now - last_full_turn_;
  // Only two full turns in a row tell how long one takes; sleep may lie between others.
  if (last_full_turn_ != 0) {
    if (took > 2 * kTurnNanoseconds)
      slices_per_turn_ = std::max(slices_per_turn_ / 2, kFewestSlices);
    if (took < kTurnNanoseconds / 2) slices_per_turn_ = std::min(slices_per_turn_ * 2, kMostSlices);
  }
  last_full_turn_ = now;
}

// Signals, cancellation, end ---------------------------------------------------------------------

void Scheduler::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
  event_loop_.wake();
}

void Scheduler::handle_interrupt() noexcept {
  interrupted_.store(false, std::memory_order_relaxed);
  if (main_ == nullptr || main_ended_) return;
  ControlBlock& leaf = leaf_of(*main_);
  if (leaf.state == CoroutineState::kParked && leaf.wait_interruptible) {
    unpark(leaf, WakeReason::kInterrupted);
  } else {
    main_->attention |= ControlBlock::kInterrupted;
  }
}

void Scheduler::cancel(ControlBlock& coroutine) noexcept {
  coroutine.attention |= ControlBlock::kCanceled;
  ControlBlock& leaf = leaf_of(coroutine);
  if (leaf.state == CoroutineState::kParked && leaf.wait_may_fail) {
    unpark(leaf, WakeReason::kCanceled);
  }
}

void Scheduler::run(ControlBlock& main, const SpawnOptions& options,
                    std::chrono::nanoseconds grace) {
  main_ = &main;
  start(main, options);
  loop_until([this] { return main_ended_; });
  main_ = nullptr;
  if (alive_count_ != 0) stop_all(grace);
  // A forked child in which a coroutine other than main lived on ends as a process does whose
  // last thread returns.
  if (lone_child_) std::exit(EXIT_SUCCESS);
}

void Scheduler::stop_all(std::chrono::nanoseconds grace) {
  stopping_ = true;
  stop_by_ = Deadline::after(grace).nanoseconds();
  for (ControlBlock* each = alive_; each != nullptr; each = each->next_alive) cancel(*each);
  loop_until([this] { return alive_count_ == 0 || monotonic_now() >= stop_by_; });
  while (alive_ != nullptr) abandon(*alive_);
}

void Scheduler::abandon(ControlBlock& coroutine) {
  report_abandoned(leaf_of(coroutine));
  forget(coroutine);
  give_up(coroutine);
  stack_pool_.abandon();
}

// fork -------------------------------------------------------------------------------------------

void Scheduler::restart_in_child() {
  ControlBlock* survivor = thread_state.current;
  while (survivor->resumer != nullptr) survivor = survivor->resumer;
  ready_.clear();
  for (ControlBlock* each = alive_; each != nullptr; each = each->next_alive) {
    if (each == survivor) continue;
    timers_.cancel(leaf_of(*each).timer);
    give_up(*each);
  }
  // The others exist in the parent only; here, their stacks stay as they are and never run.
  survivor->next_alive = survivor->previous_alive = nullptr;
  alive_ = survivor;
  alive_count_ = 1;
  lone_child_ = lone_child_ || survivor != main_;
  main_ = survivor;
  event_loop_.restart_in_child();
}

}  // namespace colibri
