// Time that stands still while anybody can run, and then goes on to the next timer.
#include "colibri/core/testing/virtual_time.h"

#include <gtest/gtest.h>
#include <sys/time.h>
#include <time.h>

#include <chrono>
#include <thread>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/condition_variable.h"
#include "colibri/core/mutex.h"
#include "colibri/core/select.h"
#include "colibri/core/semaphore.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/testing/seeds.h"
#include "colibri/core/testing/virtual_clock.h"
#include "colibri/core/ticker.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using namespace colibri::testing;

constexpr std::uint64_t kSeed = 1;

/// How far the clock moves while `body` runs in a run of its own.
template <class Body>
nanoseconds time_of(Body body) {
  nanoseconds time{};
  run_with_seed(kSeed, [&] {
    body();
    time = elapsed();
  });
  return time;
}

TEST(VirtualTime, IsAsLongAsTheSleep) {
  EXPECT_EQ(time_of([] { sleep_for(hours(1)); }), hours(1));
  EXPECT_EQ(time_of([] { sleep_for(nanoseconds(1)); }), nanoseconds(1));
  EXPECT_EQ(time_of([] { sleep_for(hours(24 * 365)); }), hours(24 * 365));
}

TEST(VirtualTime, StandsStillWhileAnybodyRuns) {
  EXPECT_EQ(time_of([] {
              for (int i = 0; i < 1'000; ++i) yield();
            }),
            nanoseconds(0));
}

TEST(VirtualTime, GoesFromTimerToTimer) {
  std::vector<nanoseconds> woken;
  run_with_seed(kSeed, [&] {
    std::vector<Task<void>> tasks;
    for (const auto pause : {minutes(3), minutes(1), minutes(2)}) {
      tasks.push_back(spawn([&woken, pause] {
        sleep_for(pause);
        woken.push_back(elapsed());
      }));
    }
    for (Task<void>& task : tasks) task.join();
  });
  EXPECT_EQ(woken, (std::vector<nanoseconds>{minutes(1), minutes(2), minutes(3)}));
}

TEST(VirtualTime, EndsTimeLimits) {
  EXPECT_EQ(time_of([] {
              const Channel<int> channel;
              const TimeLimit limit(hours(1));
              EXPECT_THROW(channel.receive(), std::system_error);
              EXPECT_TRUE(limit.has_passed());
            }),
            hours(1));
}

TEST(VirtualTime, EndsWaitsWithADeadline) {
  EXPECT_EQ(time_of([] {
              const Channel<int> channel;
              EXPECT_EQ(channel.try_receive_for(minutes(1)), std::nullopt);
              Semaphore semaphore(0);
              EXPECT_FALSE(semaphore.try_acquire_until(Deadline::after(minutes(1))));
              Mutex mutex;
              ConditionVariable changed;
              std::unique_lock lock(mutex);
              EXPECT_FALSE(changed.wait_for(lock, minutes(1), [] { return false; }));
              select(on_receive(channel, [](int) {}), on_timeout(minutes(1), [] {}));
            }),
            minutes(4));
}

TEST(VirtualTime, TicksEverySecondOfAnHour) {
  int ticks = 0;
  EXPECT_EQ(time_of([&] {
              Ticker ticker(seconds(1));
              while (ticks < 3'600) {
                ticker.receive();
                ++ticks;
              }
            }),
            hours(1));
  EXPECT_EQ(ticks, 3'600);
}

TEST(VirtualTime, IsWhatClocksRead) {
  run_with_seed(kSeed, [] {
    const auto steady = steady_clock::now();
    const auto system = system_clock::now();
    const time_t time_before = time(nullptr);
    timeval day_before{};
    gettimeofday(&day_before, nullptr);
    EXPECT_EQ(steady_clock::now(), steady);
    sleep_for(hours(1));
    EXPECT_EQ(steady_clock::now() - steady, hours(1));
    EXPECT_EQ(system_clock::now() - system, hours(1));
    EXPECT_EQ(time(nullptr) - time_before, 3'600);
    timeval day{};
    gettimeofday(&day, nullptr);
    EXPECT_EQ(day.tv_sec - day_before.tv_sec, 3'600);
    EXPECT_EQ(day.tv_usec, day_before.tv_usec);
  });
}

TEST(VirtualTime, IsThatOfPointsInTime) {
  EXPECT_EQ(time_of([] { sleep_until(steady_clock::now() + hours(1)); }), hours(1));
  EXPECT_EQ(time_of([] {
              Semaphore semaphore(0);
              EXPECT_FALSE(semaphore.try_acquire_until(system_clock::now() + hours(1)));
            }),
            hours(1));
}

TEST(VirtualTime, LeavesOutTheProcessorsTime) {
  run_with_seed(kSeed, [] {
    timespec before{};
    timespec after{};
    EXPECT_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before), 0);
    sleep_for(hours(1'000'000));
    EXPECT_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after), 0);
    EXPECT_LT(after.tv_sec - before.tv_sec, 3'600);
    EXPECT_EQ(clock_gettime(static_cast<clockid_t>(1'000), &after), -1);
    EXPECT_EQ(errno, EINVAL);
  });
}

TEST(VirtualTime, IsTheRunsAlone) {
  const auto before = steady_clock::now();
  run_with_seed(kSeed, [&] {
    sleep_for(hours(1'000));
    std::thread([&] { EXPECT_LT(steady_clock::now() - before, hours(1)); }).join();
  });
  EXPECT_LT(steady_clock::now() - before, hours(1));
  EXPECT_EQ(VirtualClock::current(), nullptr);
}

TEST(VirtualTime, CanBeMovedByHand) {
  run_with_seed(kSeed, [] {
    bool sleeps = false;
    bool woken = false;
    auto sleeper = spawn([&] {
      sleeps = true;
      sleep_for(minutes(10));
      woken = true;
    });
    while (!sleeps) yield();
    while (elapsed() < minutes(10)) {
      EXPECT_FALSE(woken);
      advance(minutes(1));
      for (int i = 0; i < 20 && !woken; ++i) yield();
    }
    sleeper.join();
    EXPECT_EQ(elapsed(), minutes(10));
  });
}

TEST(VirtualTime, PassesInALoopThatOnlyLooksIfSlicesTakeSome) {
  run_with_seed(kSeed,
                [] {
                  const Deadline deadline = Deadline::after(milliseconds(1));
                  while (!deadline.has_passed()) yield();
                  EXPECT_GE(elapsed(), milliseconds(1));
                  EXPECT_LT(elapsed(), milliseconds(2));
                },
                {.slice_time = microseconds(1)});
}

TEST(VirtualTime, CanBeLeftOut) {
  run_with_seed(kSeed,
                [] {
                  const auto before = steady_clock::now();
                  sleep_for(milliseconds(2));
                  EXPECT_GE(steady_clock::now() - before, milliseconds(2));
                  EXPECT_EQ(VirtualClock::current(), nullptr);
                },
                {.virtual_time = false});
}

TEST(VirtualTimeDeathTest, IsNotThereElsewhere) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(advance(seconds(1)), "testing::advance called where time is the system's");
  EXPECT_DEATH(elapsed(), "testing::elapsed called where time is the system's");
  EXPECT_DEATH(time_of([] { advance(seconds(-1)); }), "to go back in time");
}

}  // namespace
}  // namespace colibri
