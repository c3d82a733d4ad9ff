// Time as colibri counts it: nanoseconds of CLOCK_MONOTONIC, which is std::chrono::steady_clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace colibri {

/// Now, in nanoseconds since the clock's start. Any thread.
inline std::int64_t monotonic_now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace colibri
