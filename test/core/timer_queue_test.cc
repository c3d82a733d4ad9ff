#include "colibri/core/timer_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "test/core/noted_timer.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using test::kDay;
using test::kMicrosecond;
using test::kMillisecond;
using test::kSecond;
using test::kStart;
using test::NotedTimer;

class TimerQueueTest : public test::TimerQueueFixture {};

TEST_F(TimerQueueTest, FiresAtItsDeadlineAndNotBefore) {
  for (const std::int64_t delay :
       {std::int64_t{1}, 50 * kMicrosecond, kMillisecond, 3 * kMillisecond, kSecond, 100 * kSecond,
        kDay, 40 * kDay, 60 * kDay, 1'000 * kDay}) {
    TimerQueue queue(kStart);
    fired_.clear();
    NotedTimer timer = timer_at(kStart + delay);
    queue.arm(timer);
    EXPECT_TRUE(timer.armed());
    queue.advance(kStart + delay - 1);
    EXPECT_TRUE(fired_.empty()) << "early by a nanosecond after " << delay;
    queue.advance(kStart + delay);
    EXPECT_EQ(fired_.size(), 1U) << "late after " << delay;
    EXPECT_FALSE(timer.armed());
    EXPECT_TRUE(queue.empty());
  }
}

TEST_F(TimerQueueTest, TakesTheEndsOfTheClock) {
  NotedTimer first = timer_at(std::numeric_limits<std::int64_t>::min());
  NotedTimer last = timer_at(std::numeric_limits<std::int64_t>::max() - 1);
  queue_.arm(first);
  queue_.arm(last);
  EXPECT_LE(queue_.next_wake(), kStart);
  queue_.advance(kStart);
  EXPECT_EQ(fired_, std::vector{first.deadline});
  while (fired_.size() < 2) {
    const std::int64_t wake = queue_.next_wake();
    ASSERT_LE(wake, last.deadline);
    // Two centuries at once: the wheel turns every 52 days.
    queue_.advance(std::max(wake, last.deadline - kSecond));
  }
  EXPECT_TRUE(queue_.empty());
}

TEST_F(TimerQueueTest, FiresAtTheDeadlineAlsoWhenTimeCreeps) {
  NotedTimer timer = timer_at(kStart + 300 * kMillisecond);
  queue_.arm(timer);
  std::int64_t now = kStart;
  while (fired_.empty()) {
    now += 17 * kMicrosecond;
    queue_.advance(now);
    ASSERT_EQ(fired_.empty(), now < timer.deadline);
  }
}

TEST_F(TimerQueueTest, ADeadlineInThePastFiresAtTheNextAdvance) {
  NotedTimer past = timer_at(kStart - kSecond);
  NotedTimer before_the_clock = timer_at(-kDay);
  queue_.arm(past);
  queue_.arm(before_the_clock);
  EXPECT_TRUE(fired_.empty());
  queue_.advance(kStart);
  EXPECT_EQ(fired_, (std::vector{-kDay, kStart - kSecond}));
}

TEST_F(TimerQueueTest, OrdersTimersWithinOneMillisecond) {
  std::vector<NotedTimer> timers;
  for (std::int64_t i = 0; i < 1'000; ++i) {
    timers.push_back(timer_at(kStart + 2 * kMillisecond + (i * 7'919) % 1'000));
  }
  for (NotedTimer& timer : timers) queue_.arm(timer);
  queue_.advance(kStart + kSecond);
  ASSERT_EQ(fired_.size(), timers.size());
  EXPECT_TRUE(std::is_sorted(fired_.begin(), fired_.end()));
}

TEST_F(TimerQueueTest, FiresOnlyWhatIsDueOfOneSlot) {
  NotedTimer early = timer_at(kStart + 2 * kMillisecond);
  NotedTimer late = timer_at(kStart + 2 * kMillisecond + 1);
  queue_.arm(late);
  queue_.arm(early);
  queue_.advance(early.deadline);
  EXPECT_EQ(fired_, std::vector{early.deadline});
  queue_.advance(late.deadline);
  EXPECT_EQ(fired_.size(), 2U);
}

TEST_F(TimerQueueTest, CancelledItDoesNotFire) {
  std::vector<NotedTimer> timers;
  for (int i = 0; i < 100; ++i) timers.push_back(timer_at(kStart + i * 30 * kMillisecond));
  for (NotedTimer& timer : timers) queue_.arm(timer);
  for (std::size_t i = 0; i < timers.size(); i += 2) queue_.cancel(timers[i]);
  EXPECT_EQ(queue_.size(), 50U);
  queue_.advance(kStart + kDay);
  EXPECT_EQ(fired_.size(), 50U);
  for (const std::int64_t deadline : fired_) {
    EXPECT_EQ((deadline - kStart) / (30 * kMillisecond) % 2, 1);
  }
}

TEST_F(TimerQueueTest, CancellingAnIdleTimerDoesNothing) {
  NotedTimer timer = timer_at(kStart);
  queue_.cancel(timer);
  EXPECT_TRUE(queue_.empty());
  queue_.arm(timer);
  queue_.cancel(timer);
  queue_.cancel(timer);
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(TimerQueueTest, NextWakeIsNeverWhenNothingIsArmed) {
  EXPECT_EQ(queue_.next_wake(), TimerQueue::kNever);
  NotedTimer timer = timer_at(kStart + kSecond);
  queue_.arm(timer);
  EXPECT_LE(queue_.next_wake(), timer.deadline);
  queue_.cancel(timer);
  EXPECT_EQ(queue_.next_wake(), TimerQueue::kNever);
}

TEST_F(TimerQueueTest, NextWakeLeadsToEveryDeadlineInFewSteps) {
  NotedTimer timer = timer_at(kStart + 200 * kDay + 12'345);
  queue_.arm(timer);
  int steps = 0;
  while (fired_.empty()) {
    const std::int64_t wake = queue_.next_wake();
    ASSERT_LE(wake, timer.deadline);
    queue_.advance(wake);
    ASSERT_LT(++steps, 20) << "a sleeping thread would be woken again and again";
  }
}

TEST_F(TimerQueueTest, NextWakeIsExactForWhatIsNear) {
  NotedTimer near = timer_at(kStart + 100 * kMillisecond + 123);
  NotedTimer far = timer_at(kStart + kDay);
  queue_.arm(far);
  queue_.arm(near);
  EXPECT_EQ(queue_.next_wake(), near.deadline);
  queue_.cancel(near);
  queue_.cancel(far);
}

TEST_F(TimerQueueTest, HoldsAMillion) {
  const std::size_t count = test::many_operations(1'000'000);
  std::mt19937_64 random(3);
  std::vector<NotedTimer> timers(count);
  fired_.reserve(count);
  for (NotedTimer& timer : timers) {
    timer.deadline = kStart + static_cast<std::int64_t>(random() % (30 * kSecond));
    timer.fired = &fired_;
    queue_.arm(timer);
  }
  EXPECT_EQ(queue_.size(), count);
  for (std::size_t i = 0; i < count; i += 4) queue_.cancel(timers[i]);
  for (std::int64_t now = kStart; now <= kStart + 30 * kSecond; now += 100 * kMillisecond) {
    queue_.advance(now);
    ASSERT_TRUE(fired_.empty() || fired_.back() <= now);
  }
  EXPECT_EQ(fired_.size(), count - (count + 3) / 4);
  EXPECT_TRUE(std::is_sorted(fired_.begin(), fired_.end()));
}

TEST(TimerQueueDeathTest, ArmingAnArmedTimerIsRefused) {
  Timer timer;
  TimerQueue queue(0);
  queue.arm(timer);
  EXPECT_DEATH(queue.arm(timer),
               "TimerQueue::arm called on a timer that is armed; cancel it first");
}

}  // namespace
}  // namespace colibri
