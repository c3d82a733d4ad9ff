// TimeLimit: a scope in which every wait that may fail ends in time.
#include <gtest/gtest.h>

#include <string>
#include <system_error>

#include "colibri/core/coroutine.h"
#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

/// What `wait` throws; no error if it returns.
template <class Wait>
std::error_code error_of(Wait wait) {
  try {
    wait();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

void sleep_an_hour() {
  sleep_for(hours(1));
}

TEST(TimeLimit, EndsASleepButNotEarly) {
  run_in_scheduler([] {
    const std::int64_t start = monotonic_now();
    {
      EXPECT_FALSE(TimeLimit(hours(1)).has_passed());
      const TimeLimit limit(milliseconds(3));
      EXPECT_EQ(error_of(sleep_an_hour), std::errc::timed_out);
      EXPECT_TRUE(limit.has_passed());
    }
    EXPECT_GE(monotonic_now() - start, 3'000'000);
  });
}

TEST(TimeLimit, LetsShorterSleepsEndByThemselves) {
  run_in_scheduler([] {
    const TimeLimit limit(hours(1));
    EXPECT_FALSE(error_of([] { sleep_for(milliseconds(1)); }));
  });
}

TEST(TimeLimit, EndsAPark) {
  run_in_scheduler([] {
    Parker parker;
    const TimeLimit limit(milliseconds(1));
    EXPECT_EQ(error_of([&] { parker.park(); }), std::errc::timed_out);
    // The wait's own deadline, which is later, is not what passed.
    EXPECT_EQ(error_of([&] { parker.park_until(Deadline::after(hours(1))); }),
              std::errc::timed_out);
  });
}

TEST(TimeLimit, TheWaitsOwnDeadlineIsNoError) {
  run_in_scheduler([] {
    Parker parker;
    const TimeLimit limit(hours(1));
    EXPECT_FALSE(parker.park_until(Deadline::after(milliseconds(1))));
  });
}

TEST(TimeLimit, EndsAJoinWhichMayBeRepeated) {
  run_in_scheduler([] {
    bool stop = false;
    auto task = spawn([&] {
      while (!stop) sleep_for(milliseconds(1));
      return 8;
    });
    {
      const TimeLimit limit(milliseconds(2));
      EXPECT_EQ(error_of([&] { task.join(); }), std::errc::timed_out);
    }
    EXPECT_TRUE(task.joinable());
    stop = true;
    EXPECT_EQ(task.join(), 8);
  });
}

TEST(TimeLimit, PassedItEndsEveryFurtherWait) {
  run_in_scheduler([] {
    const TimeLimit limit(milliseconds(0));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(error_of(sleep_an_hour), std::errc::timed_out);
  });
}

TEST(TimeLimit, AfterTheScopeCallsWorkAgain) {
  run_in_scheduler([] {
    {
      const TimeLimit limit(milliseconds(1));
      EXPECT_EQ(error_of(sleep_an_hour), std::errc::timed_out);
    }
    EXPECT_FALSE(error_of([] { sleep_for(milliseconds(1)); }));
    Parker parker;
    EXPECT_FALSE(parker.park_until(Deadline::after(milliseconds(1))));
  });
}

TEST(TimeLimit, AnInnerShorterOneCountsWhileItLasts) {
  run_in_scheduler([] {
    const TimeLimit outer(hours(1));
    {
      const TimeLimit inner(milliseconds(1));
      EXPECT_EQ(error_of(sleep_an_hour), std::errc::timed_out);
      EXPECT_TRUE(inner.has_passed());
    }
    EXPECT_FALSE(outer.has_passed());
    EXPECT_FALSE(error_of([] { sleep_for(milliseconds(1)); }));
  });
}

TEST(TimeLimit, AnInnerLongerOneChangesNothing) {
  run_in_scheduler([] {
    const TimeLimit outer(milliseconds(2));
    {
      const TimeLimit inner(hours(1));
      EXPECT_EQ(error_of(sleep_an_hour), std::errc::timed_out);
      EXPECT_TRUE(outer.has_passed());
      EXPECT_TRUE(inner.has_passed()) << "an inner one can only shorten";
    }
    EXPECT_EQ(error_of(sleep_an_hour), std::errc::timed_out);
  });
}

TEST(TimeLimit, IsThatOfOneCoroutineOnly) {
  run_in_scheduler([] {
    bool slept = false;
    auto limited = spawn([] {
      const TimeLimit limit(milliseconds(1));
      return error_of(sleep_an_hour);
    });
    auto other = spawn([&] {
      sleep_for(milliseconds(4));
      slept = true;
    });
    EXPECT_EQ(limited.join(), std::errc::timed_out);
    other.join();
    EXPECT_TRUE(slept);
  });
}

TEST(TimeLimit, IsNotInheritedBySpawn) {
  run_in_scheduler([] {
    Task<std::error_code> task;
    {
      const TimeLimit limit(milliseconds(0));
      task = spawn([] { return error_of([] { sleep_for(milliseconds(1)); }); });
    }
    EXPECT_FALSE(task.join());
  });
}

TEST(TimeLimit, OfTheResumerReachesIntoTheCoroutineItResumes) {
  run_in_scheduler([] {
    std::error_code error;
    Coroutine coroutine([&] { error = error_of(sleep_an_hour); });
    {
      const TimeLimit limit(milliseconds(1));
      coroutine.resume();
    }
    EXPECT_EQ(error, std::errc::timed_out);
  });
}

TEST(TimeLimit, OfACoroutineStaysWithItWhenItYieldsToItsResumer) {
  run_in_scheduler([] {
    std::error_code error;
    Coroutine coroutine([&] {
      const TimeLimit limit(milliseconds(1));
      Coroutine::yield();
      error = error_of(sleep_an_hour);
    });
    coroutine.resume();
    EXPECT_FALSE(error_of([] { sleep_for(milliseconds(2)); })) << "not the resumer's own";
    coroutine.resume();
    EXPECT_EQ(error, std::errc::timed_out);
  });
}

TEST(TimeLimit, UnwindsWithItsScope) {
  run_in_scheduler([] {
    const std::error_code error = error_of([] {
      const TimeLimit limit(milliseconds(1));
      sleep_an_hour();
    });
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_FALSE(error_of([] { sleep_for(milliseconds(1)); }));
  });
}

TEST(TimeLimit, CancelIsStrongerThanALimit) {
  run_in_scheduler([] {
    auto task = spawn([] {
      const TimeLimit limit(milliseconds(0));
      sleep_an_hour();
    });
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
  });
}

}  // namespace
}  // namespace colibri
