// Timers that are armed again: after a disarm, and from the functions that they call.
#include <algorithm>
#include <vector>

#include "test/core/noted_timer.h"

namespace colibri {
namespace {

using test::kDay;
using test::kMillisecond;
using test::kSecond;
using test::kStart;
using test::NotedTimer;

class TimerRearmTest : public test::TimerQueueFixture {};

TEST_F(TimerRearmTest, DisarmedItDoesNotFireAndAsksForNoWake) {
  for (const std::int64_t delay : {kMillisecond / 2, 3 * kMillisecond, kSecond, kDay, 60 * kDay}) {
    TimerQueue queue(kStart);
    NotedTimer timer = timer_at(kStart + delay);
    queue.arm(timer);
    queue.disarm(timer);
    EXPECT_FALSE(timer.armed());
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.next_wake(), TimerQueue::kNever) << "nothing is armed; after " << delay;
    queue.advance(kStart + 2 * delay);
    EXPECT_TRUE(fired_.empty()) << delay;
    EXPECT_EQ(queue.next_wake(), TimerQueue::kNever);
    queue.cancel(timer);
  }
}

TEST_F(TimerRearmTest, DisarmedItMayBeArmedForAnyTime) {
  for (const std::int64_t first : {3 * kMillisecond, kSecond, kDay}) {
    for (const std::int64_t second : {-kSecond, kMillisecond, 2 * kSecond, 2 * kDay}) {
      TimerQueue queue(kStart);
      fired_.clear();
      NotedTimer timer = timer_at(kStart + first);
      queue.arm(timer);
      queue.disarm(timer);
      timer.deadline = kStart + second;
      queue.arm(timer);
      EXPECT_LE(queue.next_wake(), std::max(timer.deadline, kStart));
      if (second > 0) {
        queue.advance(timer.deadline - 1);
        EXPECT_TRUE(fired_.empty()) << first << " then " << second;
      }
      queue.advance(std::max(timer.deadline, kStart));
      EXPECT_EQ(fired_.size(), 1U) << first << " then " << second;
      queue.cancel(timer);
    }
  }
}

TEST_F(TimerRearmTest, ARearmedTimeoutCostsOneWakeASlotAndNotOneAMessage) {
  // As a connection's time-out is: put off again and again, long before it is due.
  NotedTimer timer = timer_at(0);
  int wakes = 0;
  std::int64_t now = kStart;
  for (int message = 0; message < 1'000; ++message) {
    now += kMillisecond;
    timer.deadline = now + 10 * kSecond;
    queue_.arm(timer);
    while (queue_.next_wake() <= now) {
      queue_.advance(now);
      ++wakes;
    }
    queue_.disarm(timer);
  }
  EXPECT_TRUE(fired_.empty());
  EXPECT_LE(wakes, 20);
  queue_.cancel(timer);
}

TEST_F(TimerRearmTest, ATimerMayOutliveItsQueue) {
  NotedTimer timer = timer_at(kStart + kDay);
  {
    TimerQueue queue(kStart);
    queue.arm(timer);
    queue.disarm(timer);
  }
  queue_.arm(timer);
  queue_.advance(kStart + kDay);
  EXPECT_EQ(fired_.size(), 1U);
}

TEST_F(TimerRearmTest, MayBeArmedAgainFromItsOwnFire) {
  struct Ticker : Timer {
    TimerQueue* queue = nullptr;
    std::vector<std::int64_t> ticks;
  } ticker;
  ticker.queue = &queue_;
  ticker.deadline = kStart + 10 * kMillisecond;
  ticker.fire = [](Timer& timer) {
    auto& self = static_cast<Ticker&>(timer);
    EXPECT_FALSE(self.armed());
    self.ticks.push_back(self.deadline);
    self.deadline += 10 * kMillisecond;
    if (self.ticks.size() < 100) self.queue->arm(self);
  };
  queue_.arm(ticker);
  queue_.advance(kStart + 255 * kMillisecond);
  EXPECT_EQ(ticker.ticks.size(), 25U) << "what became due while firing fires in the same advance";
  queue_.advance(kStart + kDay);
  EXPECT_EQ(ticker.ticks.size(), 100U);
  EXPECT_TRUE(std::is_sorted(ticker.ticks.begin(), ticker.ticks.end()));
}

TEST_F(TimerRearmTest, WhatAFireArmsTakesItsTurnAmongTheRest) {
  struct Armer : NotedTimer {
    TimerQueue* queue = nullptr;
    Timer* other = nullptr;
  } armer;
  NotedTimer late = timer_at(kStart + 100 * kMillisecond);
  NotedTimer middle = timer_at(kStart + 50 * kMillisecond);
  armer.deadline = kStart + 10 * kMillisecond;
  armer.fired = &fired_;
  armer.queue = &queue_;
  armer.other = &middle;
  armer.fire = [](Timer& timer) {
    auto& self = static_cast<Armer&>(timer);
    self.fired->push_back(self.deadline);
    self.queue->arm(*self.other);
  };
  // Each next_wake sorts the nearest timer into the heap ahead of its time.
  queue_.arm(late);
  queue_.next_wake();
  queue_.arm(armer);
  queue_.next_wake();
  queue_.advance(kStart + kSecond);
  EXPECT_EQ(fired_, (std::vector{armer.deadline, middle.deadline, late.deadline}));
}

TEST_F(TimerRearmTest, MayCancelOthersFromAFire) {
  struct Canceller : Timer {
    TimerQueue* queue = nullptr;
    Timer* victim = nullptr;
  } canceller;
  for (const std::int64_t gap : {std::int64_t{0}, std::int64_t{1}, kMillisecond, kSecond}) {
    TimerQueue queue(kStart);
    NotedTimer victim = timer_at(kStart + kMillisecond + 1 + gap);
    canceller.queue = &queue;
    canceller.victim = &victim;
    canceller.deadline = kStart + kMillisecond;
    canceller.fire = [](Timer& timer) {
      auto& self = static_cast<Canceller&>(timer);
      self.queue->cancel(*self.victim);
    };
    queue.arm(victim);
    queue.arm(canceller);
    queue.advance(kStart + kDay);
    EXPECT_TRUE(fired_.empty()) << gap;
    EXPECT_TRUE(queue.empty());
  }
}

}  // namespace
}  // namespace colibri
