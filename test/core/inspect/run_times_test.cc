// Run times: who ran, how often, and that nobody pays afterwards.
#include "colibri/core/inspect/run_times.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "colibri/core/clock.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

void compute_for(std::chrono::nanoseconds time) {
  const std::int64_t end = monotonic_now() + time.count();
  while (monotonic_now() < end) {
  }
}

TEST(RunTimesTest, CountsSlicesAndPutsTheLongestFirst) {
  test::run_in_scheduler([] {
    const auto times = std::make_unique<RunTimes>();
    Task<void> shy = spawn(SpawnOptions{.name = "shy"}, [] {
      for (int i = 0; i < 5; ++i) yield();
    });
    Task<void> greedy = spawn(SpawnOptions{.name = "greedy"}, [] {
      compute_for(std::chrono::milliseconds(200));
      yield();
    });
    shy.join();
    greedy.join();
    const std::vector<RunTime> found = times->longest_first();
    ASSERT_EQ(found.size(), 3U);
    EXPECT_STREQ(origin_of(found.front().origin).name, "greedy");
    EXPECT_EQ(found.front().slices, 2U);
    EXPECT_GE(found.front().time, std::chrono::milliseconds(200));
    const auto is_shy = [](const RunTime& each) {
      return std::string_view(origin_of(each.origin).name) == "shy";
    };
    // It yields to nobody once it is alone.
    EXPECT_GE(std::find_if(found.begin(), found.end(), is_shy)->slices, 2U);
  });
}

TEST(RunTimesTest, ThoseWithoutRoomAreCountedTogether) {
  test::run_in_scheduler([] {
    const auto times = std::make_unique<RunTimes>(2);
    for (int i = 0; i < 10; ++i) spawn([] {}).join();
    const std::vector<RunTime> found = times->longest_first();
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found.back().id, 0U);
    EXPECT_GE(found.back().slices, 8U);
  });
}

TEST(RunTimesTest, IsForgottenAtItsEnd) {
  test::run_in_scheduler([] {
    auto times = std::make_unique<RunTimes>();
    EXPECT_NE(thread_state.watch, nullptr);
    times.reset();
    EXPECT_EQ(thread_state.watch, nullptr);
    yield();
  });
}

}  // namespace
}  // namespace colibri
