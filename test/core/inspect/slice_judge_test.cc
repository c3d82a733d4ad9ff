#include "colibri/core/inspect/slice_judge.h"

#include <gtest/gtest.h>

#include <vector>

namespace colibri {
namespace {

constexpr std::int64_t kLimit = 100;
constexpr std::int64_t kPeriod = 25;

/// One look at a thread whose slice goes on: what passed since the look before.
struct Step {
  char state;
  std::int64_t passed;
  std::int64_t computed;
  std::int64_t queued;
};

/// The number of the look, from 1, at which a slice was found too long; 0: at none.
std::size_t too_long_at(const std::vector<Step>& steps) {
  SliceJudge judge(kLimit, kPeriod);
  EXPECT_FALSE(judge.still_runs(7, false));
  ThreadTimes times{.now = 1000, .computed = 1000, .queued = 1000, .state = 'R'};
  EXPECT_TRUE(judge.still_runs(7, false));
  EXPECT_FALSE(judge.is_too_long(times));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    times.now += steps[i].passed;
    times.computed += steps[i].computed;
    times.queued += steps[i].queued;
    times.state = steps[i].state;
    EXPECT_TRUE(judge.still_runs(7, false));
    if (judge.is_too_long(times)) return i + 1;
  }
  return 0;
}

TEST(SliceJudge, CountsWhatTheThreadDidAndNotWhatItWasKeptFrom) {
  struct Case {
    const char* what;
    Step each;
    std::size_t too_long_at;
  };
  const Case cases[] = {
      {"computes", {'R', 25, 25, 0}, 4},
      {"blocks", {'S', 25, 0, 0}, 4},
      {"blocks uninterruptibly", {'D', 25, 0, 0}, 4},
      {"does both", {'S', 25, 10, 0}, 4},
      {"computes, with half a processor", {'R', 25, 12, 13}, 9},
      {"is kept from the processor", {'R', 25, 0, 0}, 0},
      {"was kept from it, and blocks now", {'S', 25, 0, 25}, 0},
      {"was kept from it for longer than it took to look", {'S', 25, 0, 30}, 0},
      {"is stopped", {'T', 25, 0, 0}, 0},
      {"is traced", {'t', 25, 0, 0}, 0},
      {"is in a state that is not known", {'?', 25, 0, 0}, 0},
      {"blocks, while the machine sleeps: a step counts for two periods at most",
       {'S', 1'000'000, 0, 0},
       2},
      {"computes a little now and then, runnable all the time", {'R', 1000, 1, 0}, 0},
  };
  for (const Case& each : cases) {
    const std::vector<Step> steps(20, each.each);
    EXPECT_EQ(too_long_at(steps), each.too_long_at) << each.what;
  }
}

TEST(SliceJudge, AnotherSliceBeginsAnew) {
  SliceJudge judge(kLimit, kPeriod);
  ThreadTimes times{.now = 0, .computed = 0, .queued = 0, .state = 'R'};
  for (std::size_t position = 1; position < 20; ++position) {
    EXPECT_FALSE(judge.still_runs(position, false));
    EXPECT_TRUE(judge.still_runs(position, false));
    EXPECT_FALSE(judge.is_too_long(times));
    times.now = times.computed += 99;
    EXPECT_TRUE(judge.still_runs(position, false));
    EXPECT_FALSE(judge.is_too_long(times));
  }
}

TEST(SliceJudge, ALoopThatSleepsRunsNobody) {
  SliceJudge judge(kLimit, kPeriod);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(judge.still_runs(7, true));
  // Awake again, at the same position: that is looked at twice, as any other.
  EXPECT_FALSE(judge.still_runs(7, false));
  EXPECT_TRUE(judge.still_runs(7, false));
}

TEST(SliceJudge, ASliceIsTooLongOnce) {
  SliceJudge judge(kLimit, kPeriod);
  ThreadTimes times{.now = 0, .computed = 0, .queued = 0, .state = 'R'};
  judge.still_runs(7, false);
  judge.still_runs(7, false);
  judge.is_too_long(times);
  times.computed = kLimit;
  EXPECT_TRUE(judge.still_runs(7, false));
  EXPECT_TRUE(judge.is_too_long(times));
  EXPECT_FALSE(judge.still_runs(7, false));
  judge.begin_again();
  EXPECT_TRUE(judge.still_runs(7, false));
  EXPECT_FALSE(judge.is_too_long(times));
}

}  // namespace
}  // namespace colibri
