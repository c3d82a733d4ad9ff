// The scheduler of one thread: runs ready coroutines in turn, and waits for events when none is.
//
// A coroutine that parks or yields switches straight to the next ready one; the loop on the
// thread's own stack is entered only when nobody is ready, or after a number of switches, to look
// at timers, descriptors and messages from other threads. That number follows the clock, so that
// they are looked at about every 100 µs however long or short the slices are.
#pragma once

#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "colibri/core/conductor.h"
#include "colibri/core/event_loop.h"
#include "colibri/core/launch.h"
#include "colibri/core/mailbox.h"
#include "colibri/core/message_spin.h"
#include "colibri/core/probes.h"
#include "colibri/core/run_queue.h"
#include "colibri/core/scheduler_list.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/spawn_options.h"
#include "colibri/core/stack_choice.h"
#include "colibri/core/thread_state.h"
#include "colibri/core/timer_queue.h"

namespace colibri {

/// One wait of a coroutine. Two words, so that it goes by registers: what lies on the stack of a
/// parked coroutine is copied when the stack is a shared one.
struct WaitRequest {
  Deadline deadline = Deadline::never();
  int descriptor = -1;  // for people who look inside
  WaitKind kind = WaitKind::kOther;
  bool may_fail = true;         // TimeLimit and cancel end it
  bool interruptible = false;   // a signal handler's EINTR ends it
  bool never_restarts = false;  // if interruptible: so does a handler with SA_RESTART
};

/// A call that waits under a signal mask of its own, as ppoll does. In the heap; belongs to whoever
/// began it.
struct MaskedWait {
  sigset_t mask;
  ControlBlock* coroutine = nullptr;
  MaskedWait* next = nullptr;
  // It waits for a handler alone, as pause does: also for one that runs while others run.
  bool for_handler = false;
};

/// A place in a scheduler's list of coroutines for those who walk along it with pauses. In the
/// heap; belongs to whoever opened it.
struct AliveCursor {
  ControlBlock* next = nullptr;  // moves on when that one ends; null at the end of the list
  AliveCursor* other = nullptr;
};

/// All methods belong to the scheduler's thread unless they say otherwise.
class Scheduler {
 public:
  /// Makes the calling thread's scheduler; a thread has one at most. `stacks`: where coroutines
  /// run that are spawned without a wish of their own. Throws std::system_error when no descriptor
  /// or stack can be had.
  /// `engine`: how it waits for events and transfers, where the system permits that.
  explicit Scheduler(const StackChoice& stacks = {}, Engine engine = Engine::kEpoll);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Has schedulers live on in the children of forks. Done when the first begins; earlier for those
  /// whose own handlers of forks must come later. Any thread.
  static void watch_forks() noexcept;

  /// The calling thread's; ends the process with a sentence, naming `caller`, if there is none.
  static Scheduler& current(const char* caller) noexcept;

  /// Makes a coroutine of this scheduler that will call `function()`; to be followed by start.
  /// Errors: as new_coroutine.
  template <class Function>
  ControlBlock& make(const SpawnOptions& options, Function&& function) {
    // Room for it in the run queue, so that making it ready cannot fail.
    ready_.reserve(alive_count_ + 1);
    return *new_coroutine<&Scheduler::end>(options, defaults_, std::forward<Function>(function));
  }

  /// Makes `block`, a fresh one from make, ready to run for the first time. From then on it belongs
  /// to the scheduler, which frees it when it has ended. With `at_once`, it may have ended by the
  /// return.
  void start(ControlBlock& block, bool at_once = false) noexcept;

  /// Runs `main` and all that it spawns until main has ended; then cancels the others and runs
  /// until they have ended, too, or `grace` is over: who is still alive by then is logged and
  /// abandoned.
  void run(ControlBlock& main, std::chrono::nanoseconds grace);

  /// One round for those who are ready, without waiting for anything. Returns when there will be
  /// something to do again if no event comes before: a point of the monotonic clock in nanoseconds,
  /// 0 for at once, TimerQueue::kNever. For those who drive the scheduler instead of run.
  std::int64_t poll_once() noexcept;

  /// After the last poll_once: cancels everybody, and runs until all have ended or `grace` is over,
  /// as run does after main's end.
  void finish(std::chrono::nanoseconds grace);

  /// Lets all other ready coroutines run once. Coroutines only.
  [[gnu::always_inline]] void yield() noexcept {
    ControlBlock& self = *thread_state.current;
    calls_left_ = kCallsPerSlice;
    if (turn_is_over()) [[unlikely]] {
      self.state = CoroutineState::kReady;
      ready_.push_back(self);
      switch_away_slowly(self, nullptr);
      return;
    }
    ControlBlock* next = ready_.rotate(self);
    if (next == &self) return;
    self.state = CoroutineState::kReady;
    switch_to(self, *next);
  }

  /// As yield, but also looks at timers and descriptors before anybody runs.
  void yield_to_loop() noexcept;

  /// Parks the current coroutine until unpark, the deadline, a TimeLimit, cancel or a signal, as
  /// the request allows. Wait nodes are the caller's to add before and to withdraw after.
  [[gnu::always_inline]] WakeReason park(WaitRequest request) noexcept {
    if (thread_state.current->attention != 0 || request.never_restarts ||
        !request.deadline.is_never()) [[unlikely]] {
      return park_watched(request);
    }
    note_wait(request);
    return park_now();
  }

  /// Before run: from now on `conductor`, which must outlive the scheduler, decides what happens
  /// next.
  void set_conductor(Conductor& conductor) noexcept { conductor_ = &conductor; }
  bool is_conducted() const noexcept { return conductor_ != nullptr; }

  /// Under a conductor, at the beginning of a call that may wait but cannot fail: perhaps others
  /// run first, as in begin_call.
  void begin_conducted_call() noexcept;

  /// From now on every wait of `coroutine` that may fail does so, the present one included.
  void cancel(ControlBlock& coroutine) noexcept;

  /// At the beginning of a call that may fail: kFired to go on, kCanceled or kLimit to fail at
  /// once. Every 64th call in one slice yields, so that a coroutine whose data is always there
  /// starves nobody.
  WakeReason begin_call() noexcept {
    if (--calls_left_ == 0) [[unlikely]]
      yield_to_loop();
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a coroutine calls.
    if (thread_state.current->attention == 0) [[likely]]
      return WakeReason::kFired;
    return begin_watched_call();
  }

  /// begin_call where nothing but counting is to be done: true, and the call has begun. False:
  /// nothing has happened, and begin_call is to be asked.
  bool begin_call_at_once() noexcept {
    if (thread_state.current->attention != 0 || calls_left_ == 1) [[unlikely]]
      return false;
    --calls_left_;
    return true;
  }

  /// After a failed call that did not ask begin_call: a cancelled coroutine lets others run, since
  /// perhaps it ignores errors. errno is kept.
  void yield_if_canceled() noexcept;

  /// A handler of `signal` ran on this thread. Without SA_RESTART main's coroutine gets EINTR from
  /// its present or next interruptible wait; if the handler `restarts` calls, from its present one,
  /// and only if that is of a kind that never restarts. Signal handlers may call it.
  void interrupt(int signal, bool restarts) noexcept;

  /// The interruption that was noted for main's coroutine has reached the call that it makes now.
  void forget_interrupt() noexcept;

  /// From now to its end, the thread sleeps under the mask of `wait` (of several: what all of them
  /// block) whenever its coroutine is parked; a handler that runs then interrupts that, too.
  /// Coroutines always run under the thread's own mask.
  void begin_masked_wait(MaskedWait& wait) noexcept;
  void end_masked_wait(MaskedWait& wait) noexcept;

  /// In the child of a fork made by a coroutine of this scheduler: it alone lives on.
  void restart_in_child();

  /// The coroutine's control block is about to go: lets go of its timer.
  void release_timer(ControlBlock& coroutine) noexcept {
    if (coroutine.extras != nullptr) timers_.cancel(coroutine.extras->timer);
  }

  /// Gives the memory that neither coroutines nor the queue need back to the system, now. Otherwise
  /// that happens by itself, half by half, a second after load has fallen.
  void trim_now() noexcept;

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

  /// Whether coroutines that are spawned without a wish of their own run on shared stacks.
  bool has_shared_stacks() const noexcept { return defaults_.shared != nullptr; }
  EventLoop& event_loop() noexcept { return event_loop_; }
  const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }
  /// The coroutine that was started last, of those that live; there is always one, in a coroutine.
  ControlBlock& newest() noexcept { return *alive_; }
  /// Coroutines started and not yet ended.
  std::size_t alive() const noexcept { return alive_count_; }
  /// From now to its end, `cursor` stays right whoever starts or ends. Begins at the newest.
  void open_cursor(AliveCursor& cursor) noexcept;
  void close_cursor(AliveCursor& cursor) noexcept;
  /// Counted in the process, from 1 on.
  unsigned number() const noexcept { return number_; }
  /// The time of the present turn: see coarse_time.
  std::uint32_t coarse_now() const noexcept { return coarse_now_; }
  /// Timers that are armed.
  std::size_t timers() const noexcept { return timers_.size(); }

 private:
  static constexpr std::uint32_t kCallsPerSlice = 64;
  static constexpr std::uint32_t kMostAtOnce = 1024;

  ControlBlock* next_to_run() noexcept {
    calls_left_ = kCallsPerSlice;
    return !turn_is_over() ? ready_.pop_front() : nullptr;
  }

  bool turn_is_over() const noexcept { return ready_.position() >= turn_ends_at_; }

  /// From `self`, who parks or yields, to the next ready coroutine or to the loop.
  [[gnu::always_inline]] void switch_away(ControlBlock& self) noexcept {
    ControlBlock* next = next_to_run();
    if (next == &self) {
      self.state = CoroutineState::kRunning;
      return;
    }
    if (next == nullptr) [[unlikely]] {
      switch_away_slowly(self, nullptr);
      return;
    }
    switch_to(self, *next);
  }
  [[gnu::always_inline]] static void switch_to(ControlBlock& self, ControlBlock& next) noexcept {
    if (!next.direct) [[unlikely]] {
      switch_away_slowly(self, &next);
      return;
    }
    thread_state.current = &next;
    next.state = CoroutineState::kRunning;
    probe::switch_to(next);
    switch_flow(self, next);
  }
  static void switch_away_slowly(ControlBlock& self, ControlBlock* next) noexcept;
  static void switch_to_loop(ControlBlock& self) noexcept;
  [[gnu::always_inline]] void note_wait(WaitRequest request) noexcept {
    ControlBlock& self = *thread_state.current;
    self.wait_kind = request.kind;
    if (request.kind != WaitKind::kOther) self.wait_note = {request.descriptor, coarse_now_};
    self.wait_may_fail = request.may_fail;
    self.wait_interruptible = request.interruptible;
    self.wait_never_restarts = request.never_restarts;
  }
  /// After note_wait.
  [[gnu::always_inline]] WakeReason park_now() noexcept {
    ControlBlock& self = *thread_state.current;
    self.state = CoroutineState::kParked;
    probe::park(self);
    switch_away(self);
    // Read again, and not kept over the switch: that would cost a saved register.
    ControlBlock& woken = *thread_state.current;
    if (woken.timer_armed) [[unlikely]]
      thread_state.scheduler->disarm_timer(woken);
    woken.wait_kind = WaitKind::kNothing;
    return woken.wake_reason;
  }
  WakeReason park_watched(WaitRequest request) noexcept;
  bool prepare_to_park(WaitRequest request) noexcept;
  static StackPointer end(ControlBlock& self) noexcept;
  StackPointer after_end(ControlBlock& self, std::uint8_t stack_index) noexcept;
  void postpone(ControlBlock& coroutine) noexcept;
  bool start_slice(ControlBlock& next) noexcept;
  void run_at_once(ControlBlock& block) noexcept;
  template <class Done>
  void loop_until(Done done) noexcept;
  void turn() noexcept;
  void take_turn(std::int64_t timeout) noexcept;
  void take_conducted_turn() noexcept;
  void run_conducted_slice() noexcept;
  void look_outside(std::int64_t timeout) noexcept;
  bool waits_for_outside() const noexcept;
  void go_on_after_wait() noexcept;
  void run_ready() noexcept;
  std::int64_t time_to_sleep() noexcept;
  std::int64_t time_until_inspection() noexcept;
  void adjust_slices() noexcept;
  Deadline deadline_of(ControlBlock& self, const WaitRequest& request) noexcept;
  bool arm_timer(ControlBlock& self, Deadline deadline) noexcept;
  void disarm_timer(ControlBlock& self) noexcept;
  std::int64_t time_until_memory() noexcept;
  bool must_refuse(ControlBlock& self, const WaitRequest& request) noexcept;
  WakeReason begin_watched_call() noexcept;
  void handle_interrupt() noexcept;
  void interrupt_main(std::uint64_t signals, std::uint64_t restarting) noexcept;
  bool heard_of_handler() const noexcept;
  bool lets_in(const ControlBlock& coroutine, std::uint64_t signals) const noexcept;
  bool common_mask(sigset_t& mask) const noexcept;
  void wait_for_events(std::int64_t timeout) noexcept;
  bool acts_for_main(const ControlBlock& coroutine) const noexcept;
  void forget(ControlBlock& coroutine) noexcept;
  void move_cursors(const ControlBlock& ended) noexcept;
  bool has_memory_to_trim() const noexcept;
  void plan_trim() noexcept;
  void trim_some() noexcept;
  void stop_all(std::chrono::nanoseconds grace);
  void abandon(ControlBlock& coroutine);

  RunQueue ready_;
  std::size_t turn_ends_at_ = 0;  // by the queue's position: that is cheaper than counting
  std::uint32_t calls_left_ = kCallsPerSlice;
  std::uint32_t at_once_left_ = kMostAtOnce;  // spawns in which others may be passed over
  std::uint32_t coarse_now_;
  std::uint32_t slices_per_turn_ = 1024;
  std::int64_t last_full_turn_ = 0;
  std::int64_t stop_by_ = TimerQueue::kNever;  // end of the grace for what is cancelled
  ControlBlock* main_ = nullptr;
  bool main_ended_ = false;
  bool stopping_ = false;
  bool lone_child_ = false;  // this is a forked child whose main is not the original one
  // Signals whose handlers ran, a bit each.
  std::atomic<std::uint64_t> interruptions_{0};
  std::atomic<std::uint64_t> restarting_interruptions_{0};
  MaskedWait* masked_waits_ = nullptr;
  ControlBlock* alive_ = nullptr;
  std::size_t alive_count_ = 0;
  AliveCursor* cursors_ = nullptr;
  const unsigned number_;
  std::optional<SharedStackGroup> default_group_;
  DefaultStacks defaults_;
  bool out_of_memory_ = false;  // to copy a shared stack
  MessageSpin message_spin_;
  /// Armed while there is memory to trim.
  struct TrimTimer : Timer {
    Scheduler* scheduler = nullptr;
    bool within_pass = false;  // a pass has begun and is not complete
  } trim_timer_;
  TimerQueue timers_;
  EventLoop event_loop_;
  std::shared_ptr<Mailbox> mailbox_;
  SchedulerPlace place_;            // among those of all threads
  Conductor* conductor_ = nullptr;  // null: order and clock decide
};

}  // namespace colibri
