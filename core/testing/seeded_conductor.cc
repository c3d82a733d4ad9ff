#include "colibri/core/testing/seeded_conductor.h"

#include <algorithm>
#include <utility>

#include "colibri/core/offload.h"
#include "colibri/core/testing/waiting.h"
#include "colibri/core/timer_queue.h"

namespace colibri::testing {
namespace {

/// How often, on average, somebody is looked for outside: once in so many slices.
constexpr std::uint32_t kSlicesPerLook = 4;

/// Helpers do not say when they have ended in vain, because whoever waited has given up.
constexpr std::int64_t kLongestWait = 10'000'000;

/// Virtual time that a slice takes once the run has been given up, so that the grace ends.
constexpr std::chrono::milliseconds kLateSliceTime{1};

}  // namespace

SeededConductor::SeededConductor(std::uint64_t seed, const SeedOptions& options,
                                 VirtualClock* clock) noexcept
    : random_(seed), options_(options), clock_(clock), longest_slice_(2U << random_.below(4)) {}

std::size_t SeededConductor::choose(std::size_t ready) noexcept {
  looked_ = false;
  idle_since_ = 0;
  if (++slices_ == options_.most_slices && !gives_up()) end_ = RunEnd::kEndless;
  if (clock_ != nullptr) clock_->advance(gives_up() ? kLateSliceTime : options_.slice_time);
  return random_.below(ready);
}

std::uint32_t SeededConductor::calls_in_slice() noexcept {
  return 1 + random_.below(longest_slice_);
}

bool SeededConductor::looks_outside() noexcept {
  return random_.below(kSlicesPerLook) == 0;
}

std::int64_t SeededConductor::when_idle(const IdleMoment& moment) noexcept {
  if (is_worth_a_look()) return 0;
  const bool has_timer = moment.next_timer != TimerQueue::kNever;
  if (has_timer && clock_ == nullptr)
    return std::max<std::int64_t>(moment.next_timer - real_now(), 0);
  const std::int64_t patience = patience_left(moment);
  if (patience > 0) return std::min(patience, kLongestWait);
  if (has_timer) {
    go_on_to(moment.next_timer);
  } else {
    be_stuck();
  }
  return 0;
}

/// What lies there already comes before all else, and so does what a helper thread may have brought
/// since the last look.
bool SeededConductor::is_worth_a_look() noexcept {
  const bool helpers_work = helper_jobs_under_way() != 0;
  const bool helpers_finished = std::exchange(helpers_worked_, helpers_work) && !helpers_work;
  return !std::exchange(looked_, true) || helpers_finished;
}

std::int64_t SeededConductor::patience_left(const IdleMoment& moment) noexcept {
  std::chrono::nanoseconds patience{0};
  if (moment.waits_for_outside) {
    patience = moment.next_timer == TimerQueue::kNever ? options_.stuck_after : options_.patience;
  }
  if (helpers_worked_) patience = std::max(patience, options_.stuck_after);
  if (patience.count() == 0) return 0;
  const std::int64_t now = real_now();
  if (idle_since_ == 0) idle_since_ = now;
  return idle_since_ + patience.count() - now;
}

void SeededConductor::go_on_to(std::int64_t next_timer) noexcept {
  idle_since_ = 0;
  clock_->advance_to(next_timer);
}

void SeededConductor::be_stuck() noexcept {
  if (gives_up()) return;
  end_ = RunEnd::kStuck;
  waiting_ = describe_waiting();
}

}  // namespace colibri::testing
