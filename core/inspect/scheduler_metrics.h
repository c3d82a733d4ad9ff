// What each scheduler does, in numbers.
//
// A scheduler that is measured has every switch go the slow way and read the clock: tens of
// nanoseconds each. One that is not pays nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "colibri/core/control_block.h"
#include "colibri/core/figure.h"
#include "colibri/core/hook_calls.h"
#include "colibri/core/scheduler_watch.h"

namespace colibri {

inline constexpr std::size_t kWaitKinds = static_cast<std::size_t>(WaitKind::kQueue) + 1;

/// Of one scheduler, since it is measured. What it is at the moment (the first group) is renewed
/// every 10 ms while it is busy, and before it sleeps.
struct SchedulerFigures {
  Figure number;  // as Scheduler::number
  Figure alive;   // coroutines
  Figure ready;   // of those: in the run queue
  Figure timers;
  Figure stacks_in_use;  // private ones
  Figure stacks_free;
  Figure saved_bytes;  // of coroutines on shared stacks, their control blocks included

  Figure ended;  // coroutines
  Figure yields;
  Figure parks[kWaitKinds];  // by WaitKind
  Figure copies;             // of shared stacks, out
  Figure copied_bytes;
  Figure looks;   // for events
  Figure sleeps;  // of those
  Figure slept;   // nanoseconds

  HookCounts hooks;  // by name

  DurationHistogram slice;        // from a switch to a coroutine to the next switch
  DurationHistogram queue_delay;  // in the run queue, of one coroutine at a time
  DurationHistogram loop_lag;     // how late the loop came to timers that were due
  DurationHistogram turn;         // between two looks for events, without sleep
};

/// Measures one scheduler. Lives for ever, for one scheduler after the other. Its thread's, but for
/// what is said to be any thread's.
class SchedulerMetrics final : public SchedulerWatch {
 public:
  /// Begins to measure the calling thread's scheduler, if it is not measured yet, and there is
  /// memory.
  static void watch_this_thread() noexcept;

  /// All that measure a scheduler now, the newest first. Any thread, without a lock. When a
  /// scheduler ends and another begins meanwhile, the numbers may be of both.
  template <class Visit>
  static void for_each(Visit visit) {
    const SchedulerMetrics* each = first_made_.load(std::memory_order_acquire);
    for (; each != nullptr; each = each->next_made_) {
      if (each->is_in_use_.load(std::memory_order_acquire)) visit(each->figures_);
    }
  }

  void leaves(const ControlBlock& coroutine) noexcept override;
  void ends(const ControlBlock& coroutine) noexcept override;
  void leaves_loop() noexcept override;
  void copies_out(std::size_t bytes) noexcept override;
  void before_look(std::int64_t timeout) noexcept override;
  void after_look(std::int64_t due) noexcept override;
  void retire() noexcept override;

 private:
  static SchedulerMetrics* make() noexcept;
  static SchedulerMetrics* take_free() noexcept;
  static void forget_other_threads() noexcept;
  void begin() noexcept;
  void end_slice(std::int64_t now) noexcept;
  void follow_probe(std::int64_t now) noexcept;
  void renew(std::int64_t now) noexcept;

  static constinit std::atomic<SchedulerMetrics*> first_made_;

  SchedulerFigures figures_;
  SchedulerMetrics* next_made_ = nullptr;
  std::atomic<bool> is_in_use_{true};

  std::int64_t slice_began_ = 0;
  std::int64_t look_began_ = 0;
  std::int64_t turn_began_ = 0;  // 0: not yet
  std::int64_t renewed_ = 0;
  bool sleeps_ = false;
  // One coroutine in the run queue whose delay will be known when it is taken out.
  bool probe_waits_ = false;
  std::size_t probe_place_ = 0;  // as RunQueue::position
  std::int64_t probe_since_ = 0;
};

}  // namespace colibri
