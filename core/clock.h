// Time as colibri counts it: nanoseconds of CLOCK_MONOTONIC, which is std::chrono::steady_clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace colibri {

/// Now, in nanoseconds since the clock's start. Any thread.
inline std::int64_t monotonic_now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// The same as of the kernel's last tick, some milliseconds ago at most; for a third of the price.
inline std::int64_t cheap_monotonic_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

/// A point of that time in steps of some four milliseconds, which wraps round after 208 days.
constexpr std::uint32_t coarse_time(std::int64_t nanoseconds) noexcept {
  return static_cast<std::uint32_t>(nanoseconds >> 22);
}

/// What lies between two such points, the later one first.
constexpr std::chrono::nanoseconds coarse_difference(std::uint32_t later,
                                                     std::uint32_t earlier) noexcept {
  return std::chrono::nanoseconds(std::int64_t{later - earlier} << 22);
}

}  // namespace colibri
