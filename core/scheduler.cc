#include "colibri/core/scheduler.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "colibri/core/check.h"
#include "colibri/core/fault_signals.h"
#include "colibri/core/inspection_calls.h"
#include "colibri/core/launch.h"
#include "colibri/core/scheduler_list.h"
#include "colibri/core/scheduler_watch.h"
#include "colibri/core/stack_usage.h"
#include "colibri/core/unpark.h"

namespace colibri {
namespace {

constexpr std::uint32_t kFewestSlices = 256;
constexpr std::uint32_t kMostSlices = 16384;
constexpr std::int64_t kTurnNanoseconds = 100'000;

unsigned next_number() noexcept {
  static constinit std::atomic<unsigned> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

Scheduler::Scheduler(const StackChoice& stacks, Engine engine)
    : coarse_now_(coarse_time(monotonic_now())),
      number_(next_number()),
      timers_(monotonic_now()),
      event_loop_(engine),
      mailbox_(acquire_mailbox()) {
  check(thread_state.scheduler == nullptr,
        "a second scheduler on one thread; colibri::run() must not be called inside run()");
  check(thread_state.current == nullptr,
        "colibri::run() called inside a coroutine; call it on the thread's own stack");
  trim_timer_.scheduler = this;
  watch_forks();
  watch_faults();
  prepare_thread();
  thread_state.shared_stacks->choose_mode();
  if (stacks.is_shared()) {
    default_group_.emplace(stacks.shared_count, stacks.bytes);
    defaults_.shared = &*default_group_;
  } else {
    defaults_.private_bytes = stacks.bytes;
  }
  thread_state.scheduler = this;
  thread_state.run_queue = &ready_;
  thread_state.event_loop = &event_loop_;
  mailbox_->loop = &event_loop_;
  place_.coroutines = &alive_;
  scheduler_list.enter(place_);
}

Scheduler::~Scheduler() {
  scheduler_list.leave(place_);
  thread_state.retire_watches();
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

void Scheduler::start(ControlBlock& block, bool at_once) noexcept {
  if (stopping_) block.attention |= ControlBlock::kCanceled;
  block.next_alive = alive_;
  if (alive_ != nullptr) alive_->previous_alive = &block;
  alive_ = &block;
  ++alive_count_;
  probe::spawn(block);
  if (at_once && thread_state.current != nullptr) {
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
  --turn_ends_at_;  // this is a slice, too
  switch_away_slowly(self, &block);
}

void Scheduler::forget(ControlBlock& coroutine) noexcept {
  ControlBlock* next = coroutine.next_alive;
  ControlBlock* previous = coroutine.previous_alive;
  if (next != nullptr) next->previous_alive = previous;
  (previous != nullptr ? previous->next_alive : alive_) = next;
  --alive_count_;
  if (cursors_ != nullptr) [[unlikely]]
    move_cursors(coroutine);
}

// Switching --------------------------------------------------------------------------------------

// From here to the switch, nothing is kept over it that can be had again: every word would be
// copied with the stack.
void Scheduler::switch_away_slowly(ControlBlock& self, ControlBlock* next) noexcept {
  if (next == nullptr) return switch_to_loop(self);
  thread_state.current = next;
  next->state = CoroutineState::kRunning;
  probe::switch_to(*next);
  SharedStacks& stacks = *thread_state.shared_stacks;
  if (stacks.switch_to(self, *next)) [[likely]]
    return;
  thread_state.scheduler->postpone(*thread_state.current);
  switch_to_loop(thread_state.shared_stacks->not_left());
}

void Scheduler::switch_to_loop(ControlBlock& self) noexcept {
  thread_state.current = nullptr;
  probe::switch_to_loop();
  SharedStacks& stacks = *thread_state.shared_stacks;
  if (stacks.checking()) [[unlikely]]
    return stacks.switch_to_thread(self);
  switch_flow(self, thread_state.own_flow);
}

/// From the loop to `next`. False when there is no memory to make its stack free: it is ready again
/// then.
bool Scheduler::start_slice(ControlBlock& next) noexcept {
  thread_state.current = &next;
  next.state = CoroutineState::kRunning;
  probe::switch_to(next);
  Flow& loop = thread_state.own_flow;
  if (next.direct) {
    switch_flow(loop, next);
    return true;
  }
  if (thread_state.shared_stacks->switch_to(loop, next)) return true;
  thread_state.current = nullptr;
  postpone(next);
  return false;
}

void Scheduler::postpone(ControlBlock& coroutine) noexcept {
  coroutine.state = CoroutineState::kReady;
  ready_.push_back(coroutine);
  out_of_memory_ = true;
}

// The last act of a coroutine.
StackPointer Scheduler::end(ControlBlock& self) noexcept {
  Scheduler& scheduler = *thread_state.scheduler;
  self.state = CoroutineState::kDone;
  probe::end(self);
  scheduler.release_timer(self);
  scheduler.forget(self);
  scheduler.main_ended_ |= &self == scheduler.main_;
  // Still running on this stack, but nothing is spawned before it has been left.
  const std::uint8_t stack_index = self.stack_index;
  release_coroutine(self);
  return scheduler.after_end(self, stack_index);
}

StackPointer Scheduler::after_end(ControlBlock& self, std::uint8_t stack_index) noexcept {
  ControlBlock* next = main_ended_ ? nullptr : next_to_run();
  if (next != nullptr) {
    const StackPointer target = next->direct
                                    ? next->stack_pointer
                                    : thread_state.shared_stacks->arrival(*next, stack_index);
    if (target != nullptr) {
      next->state = CoroutineState::kRunning;
      thread_state.current = next;
      probe::switch_to(*next);
      if (thread_state.watch != nullptr) [[unlikely]]
        tell_watches(&SchedulerWatch::leaves_ended);
      return switch_for_good(self.sanitizer, next->sanitizer, target);
    }
    postpone(*next);
  }
  thread_state.current = nullptr;
  probe::switch_to_loop();
  Flow& loop = thread_state.own_flow;
  return switch_for_good(self.sanitizer, loop.sanitizer, loop.stack_pointer);
}

void Scheduler::yield_to_loop() noexcept {
  turn_ends_at_ = ready_.position();
  yield();
}

// The loop ---------------------------------------------------------------------------------------

template <class Done>
void Scheduler::loop_until(Done done) noexcept {
  if (is_conducted()) [[unlikely]] {
    while (!done()) take_conducted_turn();
    return;
  }
  while (!done()) turn();
}

void Scheduler::turn() noexcept {
  if (!trim_timer_.armed() && has_memory_to_trim()) [[unlikely]]
    plan_trim();
  std::int64_t timeout = ready_.empty() ? time_to_sleep() : 0;
  if (out_of_memory_) [[unlikely]]
    timeout = time_until_memory();
  if (timeout < 0) timeout = time_until_inspection();
  if (timeout != 0) {
    if (message_spin_.finds_message(mailbox_->inbox, timeout)) {
      mailbox_->inbox.deliver_all();
      return go_on_after_wait();
    }
    if (!mailbox_->inbox.prepare_sleep()) timeout = 0;
  }
  take_turn(timeout);
}

void Scheduler::take_turn(std::int64_t timeout) noexcept {
  if (thread_state.watch != nullptr) [[unlikely]]
    tell_watches(&SchedulerWatch::before_look, timeout);
  wait_for_events(timeout);
  // Otherwise the timers' time will do.
  if (timers_.empty()) coarse_now_ = coarse_time(cheap_monotonic_now());
  const bool had_messages = mailbox_->inbox.deliver_all();
  if (timeout != 0) message_spin_.note_sleep(had_messages);
  go_on_after_wait();
}

void Scheduler::go_on_after_wait() noexcept {
  if (thread_state.watch != nullptr) [[unlikely]]
    tell_watches(&SchedulerWatch::after_look, timers_.next_wake());
  if (!timers_.empty()) {
    const std::int64_t now = monotonic_now();
    coarse_now_ = coarse_time(now);
    timers_.advance(now);
  }
  if (heard_of_handler()) [[unlikely]]
    handle_interrupt();
  run_ready();
}

void Scheduler::run_ready() noexcept {
  turn_ends_at_ = ready_.position() + slices_per_turn_;
  ControlBlock* next = next_to_run();
  if (next == nullptr) return;
  // Who cannot run for want of memory goes to the end of the queue; each is tried once.
  for (std::size_t tries = ready_.size(); !start_slice(*next); --tries) {
    if (tries == 0) return;
    next = ready_.pop_front();
  }
  if (turn_is_over()) {
    adjust_slices();
  } else {
    last_full_turn_ = 0;
  }
}

// Nobody could be copied out at the last try: others, or other threads, may free memory.
std::int64_t Scheduler::time_until_memory() noexcept {
  out_of_memory_ = false;
  thread_state.shared_stacks->memory().trim_now();
  return 1'000'000;
}

// Nothing but events can end the sleep that is ahead: those who look for deadlocks do so now.
std::int64_t Scheduler::time_until_inspection() noexcept {
  const auto inspect = inspection_calls.before_endless_sleep.load(std::memory_order_relaxed);
  return inspect == nullptr ? -1 : inspect(*this);
}

std::int64_t Scheduler::time_to_sleep() noexcept {
  const std::int64_t wake_at = std::min(timers_.next_wake(), stop_by_);
  if (wake_at == TimerQueue::kNever) return -1;
  const std::int64_t now = monotonic_now();
  // Compared first: a deadline may lie so far back that the difference has no room.
  return wake_at > now ? wake_at - now : 0;
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

// Cancellation, end ------------------------------------------------------------------------------

void Scheduler::cancel(ControlBlock& coroutine) noexcept {
  coroutine.attention |= ControlBlock::kCanceled;
  ControlBlock& leaf = leaf_of(coroutine);
  if (leaf.state == CoroutineState::kParked && leaf.wait_may_fail) {
    unpark(leaf, WakeReason::kCanceled);
  }
}

void Scheduler::run(ControlBlock& main, std::chrono::nanoseconds grace) {
  main_ = &main;
  start(main);
  loop_until([this] { return main_ended_; });
  main_ = nullptr;
  finish(grace);
  // A forked child in which a coroutine other than main lived on ends as a process does whose
  // last thread returns.
  if (lone_child_) std::exit(EXIT_SUCCESS);
}

std::int64_t Scheduler::poll_once() noexcept {
  if (!trim_timer_.armed() && has_memory_to_trim()) [[unlikely]]
    plan_trim();
  take_turn(0);
  if (lone_child_ && main_ended_) std::exit(EXIT_SUCCESS);
  // From here on other threads' messages end the wait of whoever watches our descriptor.
  if (!mailbox_->inbox.prepare_sleep()) return 0;
  if (out_of_memory_) [[unlikely]]
    return monotonic_now() + time_until_memory();
  return ready_.empty() ? timers_.next_wake() : 0;
}

void Scheduler::finish(std::chrono::nanoseconds grace) {
  if (alive_count_ != 0) stop_all(grace);
  if (prints_stack_usage_at_end()) [[unlikely]]
    print_stack_usage();
}

void Scheduler::stop_all(std::chrono::nanoseconds grace) {
  const auto inspect = inspection_calls.before_cancelling_all.load(std::memory_order_relaxed);
  if (inspect != nullptr) inspect(*this);
  stopping_ = true;
  stop_by_ = Deadline::after(grace).nanoseconds();
  for (ControlBlock* each = alive_; each != nullptr; each = each->next_alive) cancel(*each);
  loop_until([this] { return alive_count_ == 0 || monotonic_now() >= stop_by_; });
  while (alive_ != nullptr) abandon(*alive_);
}

}  // namespace colibri
