// Points in time at which waiting ends, and TimeLimit, the scope that sets one.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "colibri/core/clock.h"

namespace colibri {

/// A point on the monotonic clock, or never. A value; any thread.
class Deadline {
 public:
  /// Never.
  constexpr Deadline() noexcept = default;
  static constexpr Deadline never() noexcept { return Deadline(); }

  /// `duration` from now; never, if that lies beyond the clock's range. At once if not positive.
  static Deadline after(std::chrono::nanoseconds duration) noexcept {
    const std::int64_t now = monotonic_now();
    const std::int64_t wait = duration.count() > 0 ? duration.count() : 0;
    return wait >= kNever - now ? never() : at_nanoseconds(now + wait);
  }

  /// At a point of the monotonic clock.
  static constexpr Deadline at(std::chrono::steady_clock::time_point time) noexcept {
    return at_nanoseconds(
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
  }

  /// For names of the standard that take a point of any clock: read off that clock now.
  template <class Clock, class Duration>
  static Deadline at_time_of(const std::chrono::time_point<Clock, Duration>& time) {
    if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
      return at(std::chrono::ceil<std::chrono::nanoseconds>(time));
    } else {
      return after(std::chrono::ceil<std::chrono::nanoseconds>(time - Clock::now()));
    }
  }

  /// At a reading of monotonic_now().
  static constexpr Deadline at_nanoseconds(std::int64_t time) noexcept {
    Deadline deadline;
    deadline.time_ = time;
    return deadline;
  }

  /// Whether there is none, and whether it is over by now.
  constexpr bool is_never() const noexcept { return time_ == kNever; }
  bool has_passed() const noexcept { return !is_never() && monotonic_now() >= time_; }
  /// As a reading of monotonic_now(); the largest value means never.
  constexpr std::int64_t nanoseconds() const noexcept { return time_; }

  friend constexpr auto operator<=>(const Deadline&, const Deadline&) noexcept = default;

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  std::int64_t time_ = kNever;
};

/// A scope in which every blocking call of the current coroutine that may fail does so once the
/// time is up: hooked calls with ETIMEDOUT, colibri's own with std::system_error
/// (errc::timed_out). Scopes nest; an inner one can only shorten. Locks and joins without a
/// time-out of their own are not affected.
///
/// To be made and destroyed by the same coroutine, last in first out; outside a coroutine it ends
/// the process with a sentence, since nothing would enforce it. Making one may throw
/// std::bad_alloc.
class [[nodiscard]] TimeLimit {
 public:
  /// For so long from now, or up to a deadline.
  explicit TimeLimit(std::chrono::nanoseconds duration) : TimeLimit(Deadline::after(duration)) {}
  explicit TimeLimit(Deadline deadline);
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

  /// True once the time is up.
  bool has_passed() const noexcept { return deadline_.has_passed(); }

 private:
  Deadline deadline_;
  Deadline outer_;
};

}  // namespace colibri
