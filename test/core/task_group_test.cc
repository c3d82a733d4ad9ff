#include "colibri/core/task_group.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "colibri/core/sleep.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

/// Sleeps for ever, and counts how often it was cancelled.
void sleep_until_canceled(int& canceled) {
  try {
    sleep_for(hours(1));
  } catch (const Canceled&) {
    ++canceled;
    throw;
  }
}

TEST(TaskGroup, JoinWaitsForAll) {
  run_in_scheduler([] {
    int ended = 0;
    TaskGroup group;
    for (int i = 0; i < 5; ++i) {
      group.spawn([&ended, i] {
        sleep_for(milliseconds(5 - i));
        ++ended;
      });
    }
    group.join();
    EXPECT_EQ(ended, 5);
    group.join();
    group.spawn([&](int by) { ended += by; }, 10);
    group.join();
    EXPECT_EQ(ended, 15);
  });
}

TEST(TaskGroup, TheFirstFailureCancelsTheRestAndIsRethrown) {
  run_in_scheduler([] {
    int canceled = 0;
    TaskGroup group;
    for (int i = 0; i < 3; ++i) group.spawn([&] { sleep_until_canceled(canceled); });
    group.spawn([] {
      yield();
      throw std::runtime_error("first");
    });
    group.spawn([] {
      yield();
      throw std::runtime_error("second");
    });
    try {
      group.join();
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "first");
    }
    EXPECT_EQ(canceled, 3);
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
    group.spawn([] { yield(); });
    group.join();
  });
}

TEST(TaskGroup, NoneOutlivesItsScope) {
  run_in_scheduler([] {
    int canceled = 0;
    try {
      TaskGroup group;
      group.spawn([&] { sleep_until_canceled(canceled); });
      group.spawn([&] { sleep_until_canceled(canceled); });
      yield();
      throw std::runtime_error("unwinds");
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(canceled, 2);
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
  });
}

TEST(TaskGroup, ACancelledOwnerTakesItsGroupAlong) {
  run_in_scheduler([] {
    int canceled = 0;
    auto owner = spawn([&] {
      TaskGroup group;
      group.spawn([&] { sleep_until_canceled(canceled); });
      group.join();
    });
    yield();
    yield();
    owner.cancel();
    EXPECT_THROW(owner.join(), Canceled);
    EXPECT_EQ(canceled, 1);
  });
}

TEST(TaskGroup, CancelIsNoFailure) {
  run_in_scheduler([] {
    int canceled = 0;
    TaskGroup group;
    group.spawn([&] { sleep_until_canceled(canceled); });
    yield();
    group.cancel();
    EXPECT_TRUE(group.stopping());
    group.spawn([&] { sleep_until_canceled(canceled); });
    group.join();
    EXPECT_EQ(canceled, 2) << "who came later started cancelled";
  });
}

TEST(TaskGroup, ATimeLimitEndsTheJoinAndNotTheGroup) {
  run_in_scheduler([] {
    bool ended = false;
    TaskGroup group;
    group.spawn([&] {
      sleep_for(milliseconds(5));
      ended = true;
    });
    {
      const TimeLimit limit(milliseconds(1));
      EXPECT_THROW(group.join(), std::system_error);
    }
    EXPECT_FALSE(ended);
    group.join();
    EXPECT_TRUE(ended);
  });
}

TEST(TaskGroup, ItsCoroutinesMaySpawnMore) {
  run_in_scheduler([] {
    int leaves = 0;
    TaskGroup group;
    const std::function<void(int)> grow = [&](int depth) {
      if (depth == 0) {
        ++leaves;
        return;
      }
      for (int i = 0; i < 2; ++i) group.spawn([&grow, depth] { grow(depth - 1); });
    };
    grow(6);
    group.join();
    EXPECT_EQ(leaves, 64);
  });
}

TEST(TaskGroup, LongLivedItKeepsNoneThatHasEnded) {
  run_in_scheduler([] {
    int ended = 0;
    TaskGroup group;
    for (int i = 0; i < 1'000; ++i) {
      group.spawn([&] { ++ended; });
      yield();
    }
    EXPECT_EQ(ended, 1'000);
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
  });
}

TEST(TaskGroupDeathTest, TwoJoinersAreRefused) {
  const auto misuse = [] {
    run([] {
      TaskGroup group;
      group.spawn([] { sleep_for(milliseconds(5)); });
      go([&] { group.join(); });
      yield();
      group.join();
    });
  };
  EXPECT_DEATH(misuse(), "two coroutines join one TaskGroup at the same time");
}

}  // namespace
}  // namespace colibri
