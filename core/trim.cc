// Giving memory back to the system: by itself while there is something to give, and on request.
#include "colibri/core/trim.h"

#include "colibri/core/scheduler.h"

namespace colibri {
namespace {

constexpr std::int64_t kTrimPassNanoseconds = 1'000'000'000;
constexpr std::int64_t kTrimStepNanoseconds = 2'000'000;

}  // namespace

bool Scheduler::has_memory_to_trim() const noexcept {
  return thread_state.stack_pool->has_free() ||
         thread_state.shared_stacks->memory().has_memory_to_trim();
}

void Scheduler::plan_trim() noexcept {
  // The wheel's clock stands still while no timer is armed.
  const std::int64_t now = monotonic_now();
  if (timers_.empty()) timers_.advance(now);
  trim_timer_.deadline =
      now + (trim_timer_.within_pass ? kTrimStepNanoseconds : kTrimPassNanoseconds);
  // Armed anew by the next turn if stacks are left.
  trim_timer_.fire = [](Timer& timer) { static_cast<TrimTimer&>(timer).scheduler->trim_some(); };
  timers_.arm(trim_timer_);
}

void Scheduler::trim_some() noexcept {
  StackPool& stacks = *thread_state.stack_pool;
  if (!trim_timer_.within_pass) {
    stacks.begin_trim();
    thread_state.shared_stacks->trim_now();
  }
  trim_timer_.within_pass = stacks.trim_some();
  if (!trim_timer_.within_pass) ready_.shrink(alive_count_ + 1);
}

void Scheduler::trim_now() noexcept {
  thread_state.stack_pool->trim_now();
  thread_state.shared_stacks->trim_now();
  // One more may be in the making.
  ready_.shrink(alive_count_ + 1);
}

void trim_now() noexcept {
  if (thread_state.scheduler != nullptr) {
    thread_state.scheduler->trim_now();
  } else {
    thread_stack_pool().trim_now();
    thread_shared_stacks().trim_now();
  }
}

}  // namespace colibri
