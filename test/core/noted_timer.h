// What the tests of the timer queue share: units, and timers that note when they fire.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "colibri/core/timer_queue.h"

namespace colibri::test {

constexpr std::int64_t kMicrosecond = 1'000;
constexpr std::int64_t kMillisecond = 1'000 * kMicrosecond;
constexpr std::int64_t kSecond = 1'000 * kMillisecond;
constexpr std::int64_t kDay = 86'400 * kSecond;
/// Where a test's clock stands at first.
constexpr std::int64_t kStart = 5 * kSecond;

/// A timer that notes its deadline in a list when it fires.
struct NotedTimer : Timer {
  NotedTimer() {
    fire = [](Timer& timer) {
      auto& self = static_cast<NotedTimer&>(timer);
      self.fired->push_back(self.deadline);
    };
  }
  std::vector<std::int64_t>* fired = nullptr;
};

/// A queue, and the deadlines of what has fired in it.
class TimerQueueFixture : public testing::Test {
 protected:
  NotedTimer timer_at(std::int64_t deadline) {
    NotedTimer timer;
    timer.deadline = deadline;
    timer.fired = &fired_;
    return timer;
  }

  TimerQueue queue_{kStart};
  std::vector<std::int64_t> fired_;
};

}  // namespace colibri::test
