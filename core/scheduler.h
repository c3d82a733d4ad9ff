// The scheduler of one thread: runs ready coroutines in turn, and waits for events when none is.
//
// A coroutine that parks or yields switches straight to the next ready one; the loop on the
// thread's own stack is entered only when nobody is ready, or after a number of switches, to look
// at timers, descriptors and messages from other threads. That number follows the clock, so that
// they are looked at about every 100 µs however long or short the slices are.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "colibri/core/event_loop.h"
#include "colibri/core/mailbox.h"
#include "colibri/core/run_queue.h"
#include "colibri/core/spawn_options.h"
#include "colibri/core/stack.h"
#include "colibri/core/thread_state.h"
#include "colibri/core/timer_queue.h"

namespace colibri {

/// One wait of a coroutine.
struct WaitRequest {
  WaitKind kind = WaitKind::kOther;
  Deadline deadline = Deadline::never();
  bool may_fail = true;        // TimeLimit and cancel end it
  bool interruptible = false;  // a signal handler's EINTR ends it
  int descriptor = -1;         // for people who look inside
};

/// All methods belong to the scheduler's thread unless they say otherwise.
class Scheduler {
 public:
  /// Makes the calling thread's scheduler; a thread has one at most. Throws std::system_error when
  /// no descriptor can be had.
  Scheduler();
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// The calling thread's; ends the process with a sentence, naming `caller`, if there is none.
  static Scheduler& current(const char* caller) noexcept;

  /// Makes room for one more coroutine; to be called before new_coroutine. Throws std::bad_alloc.
  void prepare_start() { ready_.reserve(alive_count_ + 1); }

  /// Makes `block`, a fresh one from new_coroutine, ready to run for the first time. From then on
  /// it belongs to the scheduler, which frees it when it has ended. With `at_once`, it may have
  /// ended by the return.
  void start(ControlBlock& block, const SpawnOptions& options) noexcept;

  /// Runs `main` and all that it spawns until main has ended; then cancels the others and runs
  /// until they have ended, too, or `grace` is over: who is still alive by then is logged and
  /// abandoned.
  void run(ControlBlock& main, const SpawnOptions& options, std::chrono::nanoseconds grace);

  /// Lets all other ready coroutines run once. Coroutines only.
  [[gnu::always_inline]] void yield() noexcept {
    ControlBlock& self = *thread_state.current;
    self.state = CoroutineState::kReady;
    ready_.push_back(self);
    switch_away(self);
  }

  /// As yield, but also looks at timers and descriptors before anybody runs.
  void yield_to_loop() noexcept;

  /// Parks the current coroutine until unpark, the deadline, a TimeLimit, cancel or a signal, as
  /// the request allows. Wait nodes are the caller's to add before and to withdraw after.
  WakeReason park(const WaitRequest& request) noexcept;

  /// The same for the usual case, without the detours: `self`, the running coroutine, is neither
  /// cancelled nor resumed by another nor under a TimeLimit, and waits without a deadline.
  [[gnu::always_inline]] WakeReason park_plainly(ControlBlock& self, bool may_fail) noexcept {
    self.wait_kind = WaitKind::kOther;
    self.wait_descriptor = -1;
    self.wait_may_fail = may_fail;
    self.wait_interruptible = false;
    self.state = CoroutineState::kParked;
    switch_away(self);
    self.wait_kind = WaitKind::kNothing;
    return self.wake_reason;
  }

  /// From now on every wait of `coroutine` that may fail does so, the present one included.
  void cancel(ControlBlock& coroutine) noexcept;

  /// At the beginning of a call that may fail: kFired to go on, kCanceled or kLimit to fail at
  /// once. Every 64th call in one slice yields, so that a coroutine whose data is always there
  /// starves nobody.
  WakeReason begin_call() noexcept {
    if (--calls_left_ == 0) [[unlikely]]
      yield_to_loop();
    const ControlBlock& self = *thread_state.current;
    if (self.attention == 0 && self.limit.is_never() && self.resumer == nullptr) [[likely]] {
      return WakeReason::kFired;
    }
    return begin_watched_call();
  }

  /// A signal handler without SA_RESTART ran on this thread: main's coroutine gets EINTR from its
  /// present or next interruptible wait. Signal handlers may call it.
  void interrupt() noexcept;

  /// In the child of a fork made by a coroutine of this scheduler: it alone lives on.
  void restart_in_child();

  /// The coroutine's control block is about to go: lets go of its timer.
  void release_timer(ControlBlock& coroutine) noexcept { timers_.cancel(coroutine.timer); }

  /// Arms a timer that belongs to no coroutine, at its deadline. Its `fire` is called by the loop,
  /// outside coroutines, and may wake them but not wait.
  void arm(Timer& timer) noexcept {
    // The wheel's clock stands still while no timer is armed.
    if (timers_.empty()) timers_.advance(monotonic_now());
    timers_.arm(timer);
  }
  /// The same from within a timer's `fire`.
  void arm_when_firing(Timer& timer) noexcept { timers_.arm(timer); }
  void cancel(Timer& timer) noexcept { timers_.cancel(timer); }

  EventLoop& event_loop() noexcept { return event_loop_; }
  StackPool& stack_pool() noexcept { return stack_pool_; }
  const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }
  /// Coroutines started and not yet ended.
  std::size_t alive() const noexcept { return alive_count_; }

 private:
  friend StackPointer end_scheduled_coroutine(ControlBlock& self) noexcept;

  static constexpr std::uint32_t kCallsPerSlice = 64;
  static constexpr std::uint32_t kMostAtOnce = 1024;

  ControlBlock* next_to_run() noexcept {
    calls_left_ = kCallsPerSlice;
    return --slices_left_ != 0 ? ready_.pop_front() : nullptr;
  }

  /// From `self`, who parks or yields, to the next ready coroutine or to the loop.
  [[gnu::always_inline]] void switch_away(ControlBlock& self) noexcept {
    ControlBlock* next = next_to_run();
    if (next == &self) {
      self.state = CoroutineState::kRunning;
      return;
    }
    if (next == nullptr || !next->started) [[unlikely]] {
      switch_to_loop_or_new(self, next);
      return;
    }
    thread_state.current = next;
    next->state = CoroutineState::kRunning;
    switch_flow<SwitchEnding::kReturn>(self, *next);
  }
  void run_at_once(ControlBlock& block) noexcept;
  void switch_to_loop_or_new(ControlBlock& self, ControlBlock* next) noexcept;
  template <class Done>
  void loop_until(Done done) noexcept;
  void turn() noexcept;
  void run_ready() noexcept;
  std::int64_t time_to_sleep() noexcept;
  void adjust_slices() noexcept;
  bool arm_timer(ControlBlock& self, const WaitRequest& request) noexcept;
  bool must_refuse(ControlBlock& self, const WaitRequest& request, WakeReason& reason) noexcept;
  WakeReason begin_watched_call() noexcept;
  void handle_interrupt() noexcept;
  void forget(ControlBlock& coroutine) noexcept;
  void stop_all(std::chrono::nanoseconds grace);
  void abandon(ControlBlock& coroutine);

  RunQueue ready_;
  std::uint32_t slices_left_ = 0;
  std::uint32_t calls_left_ = kCallsPerSlice;
  std::uint32_t at_once_left_ = kMostAtOnce;  // spawns in which others may be passed over
  std::uint32_t slices_per_turn_ = 1024;
  std::int64_t last_full_turn_ = 0;
  std::int64_t stop_by_ = TimerQueue::kNever;  // end of the grace for what is cancelled
  ControlBlock* main_ = nullptr;
  bool main_ended_ = false;
  bool stopping_ = false;
  bool lone_child_ = false;  // this is a forked child whose main is not the original one
  std::atomic<bool> interrupted_{false};
  ControlBlock* alive_ = nullptr;
  std::size_t alive_count_ = 0;
  StackPool& stack_pool_;
  TimerQueue timers_;
  EventLoop event_loop_;
  std::shared_ptr<Mailbox> mailbox_;
};

/// The coroutine at the end of the chain of resumes that `coroutine` has begun: who really runs or
/// waits on its behalf.
inline ControlBlock& leaf_of(ControlBlock& coroutine) noexcept {
  ControlBlock* leaf = &coroutine;
  while (leaf->state == CoroutineState::kResuming) leaf = leaf->resumed;
  return *leaf;
}

}  // namespace colibri
