// Time that stands still until it is moved.
//
// Whoever links this gets clock_gettime, gettimeofday and time from here, which ask libc's unless
// the calling thread's time is virtual. So std::chrono's steady_clock and system_clock follow, and
// with them all of colibri and what is tested on it.
#pragma once

#include <time.h>

#include <array>
#include <chrono>
#include <cstdint>

namespace colibri::testing {

/// While it lives, the calling thread's clocks stand still, all but those of CPU time, and go on by
/// what they are told to. One at most on a thread, on which all its methods are to be called; other
/// threads keep the system's time.
class VirtualClock {
 public:
  /// Begins at the present.
  VirtualClock() noexcept;
  ~VirtualClock();
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  /// The calling thread's; null if its time is the system's.
  static VirtualClock* current() noexcept;

  /// Moves all clocks on.
  void advance(std::chrono::nanoseconds duration) noexcept { elapsed_ += duration; }
  /// Moves them to where the monotonic clock reads `time`, in nanoseconds, unless that is past.
  void advance_to(std::int64_t time) noexcept;

  /// How far they have been moved since the clock was made.
  std::chrono::nanoseconds elapsed() const noexcept { return elapsed_; }

  /// False for a clock that does not follow.
  bool read(clockid_t clock, timespec& time) const noexcept;

 private:
  static constexpr std::size_t kClocks = CLOCK_TAI + 1;

  std::array<std::int64_t, kClocks> starts_{};  // by the clock's number; 0: does not follow
  std::chrono::nanoseconds elapsed_{0};
};

/// The system's monotonic clock in nanoseconds, also where time is virtual. Any thread.
std::int64_t real_now() noexcept;

}  // namespace colibri::testing
