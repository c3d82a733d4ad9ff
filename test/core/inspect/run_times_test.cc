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

RunTime of(const std::vector<RunTime>& found, std::string_view name) {
  for (const RunTime& each : found) {
    if (origin_of(each.origin).name == name) return each;
  }
  ADD_FAILURE() << name << " has not run";
  return {};
}

TEST(RunTimesTest, CountsSlicesAndPutsTheLongestFirst) {
  test::run_in_scheduler([] {
    const auto times = std::make_unique<RunTimes>();
    Task<void> shy = spawn(SpawnOptions{.name = "shy"}, [] {
      for (int i = 0; i < 5; ++i) yield();
    });
    Task<void> greedy = spawn(SpawnOptions{.name = "greedy"}, [] {
      compute_for(std::chrono::milliseconds(20));
      yield();
    });
    shy.join();
    greedy.join();
    const std::vector<RunTime> found = times->longest_first();
    ASSERT_EQ(found.size(), 3U);
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end(),
                               [](const auto& a, const auto& b) { return a.time > b.time; }));
    EXPECT_EQ(of(found, "greedy").slices, 2U);
    EXPECT_GE(of(found, "greedy").time, std::chrono::milliseconds(20));
    // It yields to nobody once it is alone.
    EXPECT_GE(of(found, "shy").slices, 2U);
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
