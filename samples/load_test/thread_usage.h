// How much of a processor a thread uses.
#pragma once

#include <time.h>

#include <chrono>

#include "samples/load_test/schedule.h"

namespace load_test {

/// Of the calling thread, from the making of this on.
class ThreadUsage {
 public:
  ThreadUsage() = default;

  /// Processor time over time, user's and kernel's: 1 is all of one processor.
  double share() const {
    const std::chrono::duration<double> passed = Clock::now() - begin_;
    return passed.count() <= 0 ? 0 : std::chrono::duration<double>(own_time() - own_) / passed;
  }

 private:
  static std::chrono::nanoseconds own_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

  const TimePoint begin_ = Clock::now();
  const std::chrono::nanoseconds own_ = own_time();
};

}  // namespace load_test
