#pragma once

#include <cstdint>
#include <ctime>

namespace bench {

// Nanoseconds of CLOCK_MONOTONIC.
inline std::int64_t monotonic_nanoseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace bench
