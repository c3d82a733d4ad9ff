// Run times: who ran, how often, and that nobody pays afterwards.
#include "colibri/core/inspect/run_times.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "colibri/core/clock.h"
#include "colibri/core/event.h"
#include "colibri/core/inspect/coroutine_info.h"
#include "colibri/core/inspect/inspection.h"
#include "colibri/core/scheduler.h"
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
    const auto times = std::make_unique<RunTimes>(KeepEnded::kYes, 2);
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

/// Turned on for one test.
class NotedRunTimes : public testing::Test {
 protected:
  void SetUp() override { note_run_times(true); }
  void TearDown() override { note_run_times(false); }
};

TEST_F(NotedRunTimes, AreToldWithTheCoroutine) {
  test::run_in_scheduler([] {
    const Event go_on;
    Task<void> task = spawn(SpawnOptions{.name = "worker"}, [go_on] {
      compute_for(std::chrono::milliseconds(5));
      yield();
      go_on.wait();
    });
    const ControlBlock& worker = Scheduler::current("test").newest();
    CoroutineInfo info = inspect(worker);
    ASSERT_TRUE(info.ran.has_value());
    EXPECT_EQ(info.ran->slices, 0U) << "it has not begun";
    for (int i = 0; i < 3; ++i) yield();
    info = inspect(worker);
    ASSERT_TRUE(info.ran.has_value());
    EXPECT_EQ(info.ran->slices, 2U);
    EXPECT_GE(info.ran->time, std::chrono::milliseconds(5));
    go_on.set();
    task.join();
  });
}

TEST_F(NotedRunTimes, NothingIsToldOnceTheyAreOff) {
  test::run_in_scheduler([] {
    EXPECT_TRUE(inspect(*thread_state.current).ran.has_value());
    note_run_times(false);
    EXPECT_FALSE(inspect(*thread_state.current).ran.has_value());
    EXPECT_EQ(thread_state.watch, nullptr) << "nobody pays any more";
  });
}

// More of them in all than there is room for, so that gaps are closed again and again.
TEST_F(NotedRunTimes, WhoHasEndedMakesRoom) {
  test::run_in_scheduler([] {
    const Event never;
    std::vector<Task<void>> kept;
    for (int i = 0; i < 100; ++i) {
      kept.push_back(spawn([never] { never.wait(); }));
      for (int k = 0; k < 1000; ++k) go([] { yield(); });
      for (int k = 0; k < 3; ++k) yield();
    }
    const std::uint64_t own = thread_state.current->id;
    std::size_t seen = 0;
    Inspection inspection;
    while (inspection.step(64, [&](const ControlBlock& each) {
      const std::optional<RunTime> ran = inspect(each).ran;
      EXPECT_TRUE(ran.has_value()) << each.id;
      const std::uint64_t slices = ran.value_or(RunTime{}).slices;
      EXPECT_TRUE(each.id == own || slices == 1) << each.id << " has " << slices;
      ++seen;
    })) {
    }
    EXPECT_EQ(seen, 101U);
    for (Task<void>& each : kept) each.cancel();
  });
}

}  // namespace
}  // namespace colibri
