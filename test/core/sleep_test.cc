#include "colibri/core/sleep.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using test::run_in_scheduler;

TEST(Sleep, IsNeverEarly) {
  run_in_scheduler([] {
    for (const nanoseconds duration :
         {nanoseconds(1), nanoseconds(microseconds(50)), nanoseconds(microseconds(999)),
          nanoseconds(milliseconds(1)), nanoseconds(milliseconds(7))}) {
      const steady_clock::time_point start = steady_clock::now();
      sleep_for(duration);
      EXPECT_GE(steady_clock::now() - start, duration);
    }
  });
}

TEST(Sleep, UntilAPointOfTheSteadyClock) {
  run_in_scheduler([] {
    const steady_clock::time_point end = steady_clock::now() + milliseconds(3);
    sleep_until(end);
    EXPECT_GE(steady_clock::now(), end);
  });
}

TEST(Sleep, SleepersWakeInTheOrderOfTheirDeadlines) {
  run_in_scheduler([] {
    const steady_clock::time_point start = steady_clock::now() + milliseconds(2);
    std::vector<int> order;
    std::vector<Task<void>> tasks;
    for (const int place : {5, 3, 9, 1, 0, 7, 2, 8, 4, 6}) {
      tasks.push_back(spawn([&order, place, start] {
        sleep_until(start + microseconds(100 * place));
        order.push_back(place);
      }));
    }
    for (Task<void>& task : tasks) task.join();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  });
}

TEST(Sleep, ForNothingOrLessLetsOthersRun) {
  run_in_scheduler([] {
    for (const nanoseconds duration : {nanoseconds(0), nanoseconds(-1)}) {
      bool other_ran = false;
      go([&] { other_ran = true; });
      sleep_for(duration);
      EXPECT_TRUE(other_ran);
    }
  });
}

TEST(Sleep, UntilAnyPointThatIsPastLetsOthersRun) {
  run_in_scheduler([] {
    for (const steady_clock::time_point time :
         {steady_clock::now() - milliseconds(1), steady_clock::time_point(),
          steady_clock::time_point(nanoseconds(-1)), steady_clock::time_point::min()}) {
      bool other_ran = false;
      go([&] { other_ran = true; });
      sleep_until(time);
      EXPECT_TRUE(other_ran);
      sleep_until(time);  // with nobody else there, the scheduler itself would go to sleep
    }
  });
}

TEST(Sleep, ManySleepAtOnce) {
  std::size_t early = 0;
  std::size_t woken = 0;
  run_in_scheduler([&] {
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < test::many_coroutines(); ++i) {
      tasks.push_back(spawn([&, i] {
        const steady_clock::time_point end = steady_clock::now() + microseconds(i % 5'000);
        sleep_until(end);
        ++woken;
        if (steady_clock::now() < end) ++early;
      }));
    }
    for (Task<void>& task : tasks) task.join();
  });
  EXPECT_EQ(woken, test::many_coroutines());
  EXPECT_EQ(early, 0U);
}

TEST(Sleep, OutsideACoroutineBlocksTheThread) {
  const steady_clock::time_point start = steady_clock::now();
  sleep_for(milliseconds(2));
  EXPECT_GE(steady_clock::now() - start, milliseconds(2));
  for (const auto time : {start, steady_clock::time_point::min()}) sleep_until(time);
}

TEST(Yield, TakesTurns) {
  run_in_scheduler([] {
    std::string order;
    std::vector<Task<void>> tasks;
    for (const char name : {'a', 'b', 'c'}) {
      tasks.push_back(spawn([&order, name] {
        for (int i = 0; i < 3; ++i) {
          order += name;
          yield();
        }
      }));
    }
    for (Task<void>& task : tasks) task.join();
    EXPECT_EQ(order, "abcabcabc");
  });
}

TEST(Yield, GivesEverybodyTheSameShareOverManyTurns) {
  run_in_scheduler([] {
    constexpr std::size_t kCoroutines = 50;
    // Far more switches than the scheduler makes between two looks at its events.
    const std::size_t turns = test::many_operations(2'000);
    std::vector<std::size_t> counts(kCoroutines, 0);
    std::size_t widest_gap = 0;
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < kCoroutines; ++i) {
      tasks.push_back(spawn([&, i] {
        for (std::size_t turn = 0; turn < turns; ++turn) {
          ++counts[i];
          widest_gap = std::max(widest_gap, counts[i] - counts[(i + 1) % kCoroutines]);
          yield();
        }
      }));
    }
    for (std::size_t i = 0; i < kCoroutines; ++i) tasks[i].join();
    EXPECT_LE(widest_gap, 1U);
  });
}

TEST(Yield, AloneItReturns) {
  run_in_scheduler([] {
    for (std::size_t i = 0; i < test::many_operations(100'000); ++i) yield();
  });
}

TEST(Yield, OutsideACoroutineDoesNoHarm) {
  yield();
}

}  // namespace
}  // namespace colibri
