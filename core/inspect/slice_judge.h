// Whether a coroutine has kept its scheduler for too long, judged from samples.
//
// Time counts only while the thread computed, or sat in a system call. What it waited for a
// processor, on a machine that has too much to do, is nobody's fault: the kernel says how much that
// was, and it is taken off. So is what happens while nothing at all ran (a stopped process, a
// machine put to sleep): no step between two samples counts for more than twice what it should
// take.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "colibri/core/inspect/kernel_state.h"

namespace colibri {

/// Follows one scheduler. One thread's own; times in nanoseconds.
///
///   kElsewhere ──a slice is seen──▶ kSeen ──again, times()──▶ kWatched ──limit over──▶ kTooLong
///   any ──another slice, or the loop sleeps──▶ kElsewhere or kSeen
class SliceJudge {
 public:
  /// `period`: what a step between two samples should take.
  SliceJudge(std::int64_t limit, std::int64_t period) noexcept
      : limit_(limit), longest_step_(2 * period) {}

  /// The run queue's position, and whether the loop sleeps. True if times() wants to be told:
  /// the slice of the last sample still runs. Cheap, where slices are short.
  bool still_runs(std::size_t position, bool asleep) noexcept {
    if (asleep || position != position_ || stage_ == Stage::kElsewhere) {
      stage_ = asleep ? Stage::kElsewhere : Stage::kSeen;
      position_ = position;
      return false;
    }
    return stage_ != Stage::kTooLong;
  }

  /// After still_runs said true. True once a slice: it has taken longer than the limit. An estimate
  /// from below: what was before the second sample of the slice is not counted.
  bool is_too_long(const ThreadTimes& times) noexcept {
    if (stage_ == Stage::kSeen) {
      stage_ = Stage::kWatched;
      computed_ = blocked_ = 0;
    } else {
      add(times);
    }
    last_ = times;
    if (computed_ + blocked_ < limit_) return false;
    stage_ = Stage::kTooLong;
    return true;
  }

  /// Nothing came of a slice that was too long: it may be judged again, after as much time.
  void begin_again() noexcept { stage_ = Stage::kSeen; }

  std::size_t position() const noexcept { return position_; }
  std::int64_t computed() const noexcept { return computed_; }
  std::int64_t blocked() const noexcept { return blocked_; }

 private:
  enum class Stage : std::uint8_t { kElsewhere, kSeen, kWatched, kTooLong };

  void add(const ThreadTimes& times) noexcept {
    const std::int64_t computed = times.computed - last_.computed;
    computed_ += computed;
    // One that is runnable now may have waited for a processor for any part of the time.
    if (times.state != 'S' && times.state != 'D') return;
    const std::int64_t step = std::min(times.now - last_.now, longest_step_);
    const std::int64_t blocked = step - computed - (times.queued - last_.queued);
    blocked_ += std::max<std::int64_t>(blocked, 0);
  }

  std::int64_t limit_;
  std::int64_t longest_step_;
  Stage stage_ = Stage::kElsewhere;
  std::size_t position_ = 0;
  ThreadTimes last_;
  std::int64_t computed_ = 0;
  std::int64_t blocked_ = 0;
};

}  // namespace colibri
