#include "colibri/core/inspect/scheduler_metrics.h"

#include <pthread.h>

#include <algorithm>
#include <new>

#include "colibri/core/clock.h"
#include "colibri/core/scheduler.h"

namespace colibri {
namespace {

constexpr std::int64_t kRenewalNanoseconds = 10'000'000;

/// The calling thread's.
constinit thread_local SchedulerMetrics* own = nullptr;

}  // namespace

constinit std::atomic<SchedulerMetrics*> SchedulerMetrics::first_made_{nullptr};

// Making -----------------------------------------------------------------------------------------

SchedulerMetrics* SchedulerMetrics::make() noexcept {
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, &SchedulerMetrics::forget_other_threads);
  SchedulerMetrics* metrics = take_free();
  if (metrics == nullptr) {
    metrics = new (std::nothrow) SchedulerMetrics;
    if (metrics == nullptr) return nullptr;
    metrics->begin();
    metrics->next_made_ = first_made_.load(std::memory_order_relaxed);
    while (!first_made_.compare_exchange_weak(metrics->next_made_, metrics,
                                              std::memory_order_acq_rel)) {
    }
  }
  return metrics;
}

SchedulerMetrics* SchedulerMetrics::take_free() noexcept {
  SchedulerMetrics* each = first_made_.load(std::memory_order_acquire);
  for (; each != nullptr; each = each->next_made_) {
    bool in_use = false;
    if (!each->is_in_use_.compare_exchange_strong(in_use, true)) continue;
    each->begin();
    return each;
  }
  return nullptr;
}

void SchedulerMetrics::begin() noexcept {
  SchedulerFigures& all = figures_;
  for (Figure* each : {&all.alive, &all.ready, &all.timers, &all.stacks_in_use, &all.stacks_free,
                       &all.saved_bytes, &all.ended, &all.yields, &all.copies, &all.copied_bytes,
                       &all.looks, &all.sleeps, &all.slept}) {
    each->set(0);
  }
  for (Figure& each : all.parks) each.set(0);
  for (HookFigures& each : all.hooks) {
    each.calls.set(0);
    each.parked.set(0);
  }
  for (DurationHistogram* each : {&all.slice, &all.queue_delay, &all.loop_lag, &all.turn}) {
    each->clear();
  }
  all.number.set(thread_state.scheduler->number());
  slice_began_ = look_began_ = turn_began_ = renewed_ = 0;
  sleeps_ = probe_waits_ = false;
}

void SchedulerMetrics::watch_this_thread() noexcept {
  if (own != nullptr) return;
  own = make();
  if (own == nullptr) return;
  thread_state.add_watch(*own);
  thread_state.hook_counts = &own->figures_.hooks;
}

void SchedulerMetrics::retire() noexcept {
  own = nullptr;
  thread_state.hook_counts = nullptr;
  is_in_use_.store(false, std::memory_order_release);
}

/// In the child of a fork.
void SchedulerMetrics::forget_other_threads() noexcept {
  for (SchedulerMetrics* each = first_made_.load(); each != nullptr; each = each->next_made_) {
    if (own != each) each->is_in_use_.store(false);
  }
}

// Switches ---------------------------------------------------------------------------------------

void SchedulerMetrics::leaves(const ControlBlock& coroutine) noexcept {
  if (coroutine.state == CoroutineState::kParked) {
    figures_.parks[static_cast<std::size_t>(coroutine.wait_kind)].add();
    coroutine.has_parked = true;
  } else if (coroutine.state == CoroutineState::kReady) {
    figures_.yields.add();
  } else {
    return;  // resumes or was resumed: the slice goes on
  }
  end_slice(monotonic_now());
}

void SchedulerMetrics::ends(const ControlBlock& coroutine) noexcept {
  if (coroutine.by_hand) return;  // its resumer's slice goes on
  figures_.ended.add();
  end_slice(monotonic_now());
}

void SchedulerMetrics::leaves_loop() noexcept {
  slice_began_ = monotonic_now();
  follow_probe(slice_began_);
}

void SchedulerMetrics::copies_out(std::size_t bytes) noexcept {
  figures_.copies.add();
  figures_.copied_bytes.add(bytes);
}

void SchedulerMetrics::end_slice(std::int64_t now) noexcept {
  figures_.slice.record(now - slice_began_);
  slice_began_ = now;
  follow_probe(now);
}

// To know of each coroutine since when it is ready, each would need eight bytes more. So one at a
// time is followed: the last in the queue, who came there in the slice that ends now.
void SchedulerMetrics::follow_probe(std::int64_t now) noexcept {
  const RunQueue& queue = *thread_state.run_queue;
  if (probe_waits_) {
    if (queue.position() <= probe_place_) return;
    figures_.queue_delay.record(now - probe_since_);
  }
  probe_waits_ = !queue.empty();
  probe_place_ = queue.position() + queue.size() - 1;
  probe_since_ = now;
}

// Turns of the loop ------------------------------------------------------------------------------

void SchedulerMetrics::before_look(std::int64_t timeout) noexcept {
  look_began_ = monotonic_now();
  if (turn_began_ != 0) figures_.turn.record(look_began_ - turn_began_);
  figures_.looks.add();
  sleeps_ = timeout != 0;
  if (sleeps_ || look_began_ - renewed_ >= kRenewalNanoseconds) renew(look_began_);
}

void SchedulerMetrics::after_look(std::int64_t due) noexcept {
  const std::int64_t now = monotonic_now();
  if (sleeps_) {
    figures_.sleeps.add();
    figures_.slept.add(static_cast<std::uint64_t>(now - look_began_));
    sleeps_ = false;
  }
  // A timer that should have fired before this turn began was armed only in it.
  if (due <= now && turn_began_ != 0) figures_.loop_lag.record(now - std::max(due, turn_began_));
  turn_began_ = now;
  follow_probe(now);
}

void SchedulerMetrics::renew(std::int64_t now) noexcept {
  renewed_ = now;
  const StackPool& stacks = *thread_state.stack_pool;
  const Scheduler& scheduler = *thread_state.scheduler;
  figures_.alive.set(scheduler.alive());
  figures_.timers.set(scheduler.timers());
  figures_.ready.set(thread_state.run_queue->size());
  figures_.stacks_in_use.set(stacks.in_use());
  figures_.stacks_free.set(stacks.free_count());
  figures_.saved_bytes.set(thread_state.shared_stacks->memory().in_use());
}

}  // namespace colibri
