// Points in time as the timed forms of locks take them: of a clock that the caller names.
#pragma once

#include <time.h>

#include <algorithm>
#include <limits>

#include "colibri/core/deadline.h"

namespace colibri {

/// A point of the realtime or the monotonic clock, or never. The realtime clock can be set: so
/// nobody waits for a point of it for longer than a second without asking how it stands by now.
class PointInTime {
 public:
  static PointInTime never() noexcept { return {}; }
  PointInTime(clockid_t clock, const timespec& time) noexcept : clock_(clock), time_(&time) {}

  bool is_never() const noexcept { return time_ == nullptr; }
  /// False for a time that POSIX calls invalid.
  bool is_valid() const noexcept {
    return time_ == nullptr || (time_->tv_nsec >= 0 && time_->tv_nsec < kSecond);
  }
  /// True for the clocks that timed locks know.
  static bool is_known(clockid_t clock) noexcept {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
  }

  /// Until when to wait, on the monotonic clock, before is_over is asked.
  Deadline deadline() const noexcept {
    if (time_ == nullptr || time_->tv_sec > kMostSeconds) return Deadline::never();
    if (time_->tv_sec < 0) return Deadline::at_nanoseconds(0);
    const std::int64_t wanted = time_->tv_sec * kSecond + time_->tv_nsec;
    if (clock_ == CLOCK_MONOTONIC) return Deadline::at_nanoseconds(wanted);
    timespec now{};
    clock_gettime(clock_, &now);
    const std::int64_t left = wanted - now.tv_sec * kSecond - now.tv_nsec;
    return Deadline::after(std::chrono::nanoseconds(std::min(left, kSecond)));
  }

  /// True once it is over by its own clock.
  bool has_passed() const noexcept { return deadline().has_passed(); }

  /// The same; if it is not over, `deadline` becomes the next one to wait for. For
  /// ParkingLot::wait.
  bool is_over(Deadline& deadline) const noexcept {
    deadline = this->deadline();
    return deadline.has_passed();
  }

 private:
  PointInTime() noexcept = default;

  static constexpr std::int64_t kSecond = 1'000'000'000;
  static constexpr std::int64_t kMostSeconds =
      std::numeric_limits<std::int64_t>::max() / kSecond / 2;

  clockid_t clock_ = CLOCK_MONOTONIC;
  const timespec* time_ = nullptr;
};

}  // namespace colibri
