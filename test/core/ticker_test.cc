#include "colibri/core/ticker.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "colibri/core/select.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(Alarm, SendsTheTimeWhenItIsDueAndNoSooner) {
  run_in_scheduler([] {
    const TimePoint start = std::chrono::steady_clock::now();
    const Alarm alarm = after(milliseconds(2));
    EXPECT_EQ(alarm.try_receive(), std::nullopt);
    const std::optional<TimePoint> due = alarm.receive();
    ASSERT_TRUE(due.has_value());
    EXPECT_GE(*due, start + milliseconds(2));
    EXPECT_GE(std::chrono::steady_clock::now(), *due);
    EXPECT_EQ(alarm.try_receive_for(milliseconds(1)), std::nullopt) << "once only";
  });
}

TEST(Alarm, IsACaseOfSelect) {
  run_in_scheduler([] {
    const Channel<int> numbers;
    EXPECT_EQ(select(on_receive(numbers, [](int) {}),
                     on_receive(after(milliseconds(1)), [](TimePoint) {})),
              1U);
  });
}

TEST(Alarm, CanBeStoppedAndSetAnew) {
  run_in_scheduler([] {
    Alarm alarm(milliseconds(1));
    alarm.stop();
    EXPECT_EQ(alarm.try_receive_for(milliseconds(3)), std::nullopt);
    alarm.reset(hours(1));
    alarm.reset(milliseconds(1));
    EXPECT_TRUE(alarm.receive().has_value());
    alarm.reset(std::chrono::nanoseconds(0));
    sleep_for(milliseconds(1));
    alarm.reset(hours(1));
    EXPECT_EQ(alarm.try_receive(), std::nullopt) << "what was sent before is taken back";
  });
}

TEST(Alarm, AMovedOneStillRings) {
  run_in_scheduler([] {
    Alarm first(milliseconds(1));
    Alarm second(hours(1));
    second = std::move(first);
    EXPECT_TRUE(second.receive().has_value());
  });
}

TEST(Alarm, ManyAtOnce) {
  run_in_scheduler([] {
    const std::size_t count = test::many_operations(20'000);
    std::vector<Alarm> alarms;
    for (std::size_t i = 0; i < count; ++i) alarms.push_back(after(microseconds(i % 3'000)));
    for (const Alarm& alarm : alarms) EXPECT_TRUE(alarm.receive().has_value());
  });
}

TEST(Alarm, MayOutliveItsScheduler) {
  std::optional<Alarm> alarm;
  run_in_scheduler([&] { alarm.emplace(hours(1)); });
  run_in_scheduler([&] { alarm.reset(); });
}

TEST(Alarm, RingsOnAnotherThread) {
  run_in_scheduler([] {
    const Alarm alarm = after(milliseconds(1));
    bool rang = false;
    Channel<int> over;
    std::thread listener([&rang, over, channel = Channel<TimePoint>(alarm)] {
      rang = channel.receive().has_value();
      over.send(1);
    });
    over.receive();
    listener.join();
    EXPECT_TRUE(rang);
  });
}

TEST(Ticker, TicksWithoutDrift) {
  run_in_scheduler([] {
    const Ticker ticker(microseconds(500));
    const TimePoint first = *ticker.receive();
    for (int i = 1; i <= 5; ++i) {
      const auto since_first = *ticker.receive() - first;
      EXPECT_EQ(since_first % microseconds(500), TimePoint::duration(0))
          << "a multiple of a period";
      EXPECT_GE(since_first, i * microseconds(500));
    }
  });
}

TEST(Ticker, LeavesOutTicksThatNobodyTook) {
  run_in_scheduler([] {
    Ticker ticker(milliseconds(1));
    sleep_for(milliseconds(10));
    EXPECT_EQ(ticker.size(), 1U);
    ticker.stop();
    EXPECT_TRUE(ticker.try_receive().has_value());
    EXPECT_EQ(ticker.try_receive_for(milliseconds(3)), std::nullopt);
    ticker.reset(milliseconds(1));
    EXPECT_TRUE(ticker.receive().has_value());
  });
}

TEST(Ticker, CatchesUpAfterAPauseOfTheThread) {
  run_in_scheduler([] {
    const Ticker ticker(microseconds(100));
    const TimePoint first = *ticker.receive();
    std::this_thread::sleep_for(milliseconds(5));
    ticker.receive();
    const TimePoint next = *ticker.receive();
    EXPECT_EQ((next - first) % microseconds(100), TimePoint::duration(0));
  });
}

TEST(Ticker, RefusesAPeriodOfNothing) {
  run_in_scheduler(
      [] { EXPECT_THROW(static_cast<void>(Ticker(milliseconds(0))), std::invalid_argument); });
}

TEST(TickerDeathTest, NeedsASchedulerAndStaysOnItsThread) {
  EXPECT_DEATH(static_cast<void>(after(milliseconds(1))),
               "colibri::Alarm called on a thread without a scheduler");
  const auto stray = [] {
    run([] {
      Alarm alarm(hours(1));
      std::thread([&] { alarm.stop(); }).join();
    });
  };
  EXPECT_DEATH(stray(), "an Alarm or Ticker was set, stopped or destroyed on another thread");
}

}  // namespace
}  // namespace colibri
