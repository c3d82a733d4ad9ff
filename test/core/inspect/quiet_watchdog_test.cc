// The watchdog has nothing to say: it looks at schedulers that come and go, while they work.
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "colibri/core/inspect/watchdog.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/captured_stderr.h"
#include "test/support/leak_check.h"

namespace colibri {
namespace {

// With a sanitizer, too, no slice of these tests computes for so long.
constexpr std::chrono::milliseconds kLimit{20};

TEST(QuietWatchdog, SaysNothingOfShortSlicesAndOfSleepingLoops) {
  const test::CapturedStderr captured;
  start_watchdog({.limit = kLimit});
  run([] {
    std::vector<Task<void>> others;
    for (int i = 0; i < 10; ++i) {
      others.push_back(spawn([] {
        for (int j = 0; j < 20; ++j) sleep_for(std::chrono::milliseconds(5));
      }));
    }
    for (auto& each : others) each.join();
  });
  stop_watchdog();
  EXPECT_EQ(captured.text(), "");
  EXPECT_TRUE(stall_sites().empty());
}

TEST(WatchdogOptions, AreReadFromText) {
  EXPECT_EQ(WatchdogOptions::parse("10ms").limit, std::chrono::milliseconds(10));
  EXPECT_EQ(WatchdogOptions::parse("1500us").limit, std::chrono::microseconds(1500));
  EXPECT_EQ(WatchdogOptions::parse("2s").limit, std::chrono::seconds(2));
  for (const char* const wrong : {"", "10", "ms", "-1ms", "0ms", "10 ms", "10msx", "1h"}) {
    EXPECT_THROW(WatchdogOptions::parse(wrong), std::invalid_argument) << wrong;
  }
}

TEST(WatchdogOptions, ALimitBelowAMillisecondIsRefused) {
  EXPECT_THROW(start_watchdog({.limit = std::chrono::microseconds(999)}), std::invalid_argument);
}

/// Many short slices.
void work() {
  std::vector<Task<void>> others;
  for (int i = 0; i < 10; ++i) {
    others.push_back(spawn([] {
      for (int j = 0; j < 100; ++j) yield();
    }));
  }
  for (auto& each : others) each.join();
}

TEST(QuietWatchdog, LooksAtSchedulersThatComeAndGo) {
  // The shortest period, so that it looks often.
  start_watchdog({.limit = std::chrono::milliseconds(1), .reports_per_minute = 0});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 20; ++j) run(work);
    });
  }
  for (std::thread& each : threads) each.join();
  stop_watchdog();
}

TEST(QuietWatchdog, IsStartedAndStoppedAgainAndAgain) {
  run([] {
    for (int i = 0; i < 5; ++i) {
      start_watchdog({.limit = kLimit});
      start_watchdog({.limit = 2 * kLimit});
      sleep_for(std::chrono::milliseconds(1));
      stop_watchdog();
      stop_watchdog();
    }
  });
}

TEST(QuietWatchdog, LeavesNoDescriptorBehind) {
  start_watchdog({.limit = std::chrono::milliseconds(4)});
  stop_watchdog();
  const test::LeakCheck leaks;
  start_watchdog({.limit = std::chrono::milliseconds(4)});
  run([] { sleep_for(std::chrono::milliseconds(20)); });
  stop_watchdog();
}

}  // namespace
}  // namespace colibri
