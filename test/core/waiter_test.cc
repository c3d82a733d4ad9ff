// The wait primitive: who fires first, from wherever, wins, and nothing is lost.
#include "colibri/core/waiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/wait.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

/// The simplest thing to wait for.
struct Bell {
  BiasedLock lock;
  WaitQueue queue;

  WakeReason wait(const WaitTerms& terms = {}) {
    BiasedGuard guard(lock);
    return wait_in(queue, lock, guard, terms);
  }
  /// True if somebody was there to hear it.
  bool ring() {
    BiasedGuard guard(lock);
    WaitPlace* place = queue.claim_first();
    guard.release();
    if (place != nullptr) place->waiter->wake();
    return place != nullptr;
  }
  void ring_for_all() {
    BiasedGuard guard(lock);
    WaitPlace* claimed = queue.claim_all();
    guard.release();
    wake_all(claimed);
  }
};

TEST(Waiter, IsWokenByACoroutineOfItsScheduler) {
  run_in_scheduler([] {
    Bell bell;
    auto task = spawn([&] { return bell.wait(); });
    yield();
    EXPECT_FALSE(task.done());
    EXPECT_TRUE(bell.ring());
    EXPECT_EQ(task.join(), WakeReason::kFired);
    EXPECT_FALSE(bell.ring()) << "nobody waits any more";
  });
}

TEST(Waiter, IsServedInTurn) {
  run_in_scheduler([] {
    Bell bell;
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) {
      go([&, i] {
        bell.wait();
        order.push_back(i);
      });
    }
    yield();
    while (bell.ring()) {
    }
    yield();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  });
}

TEST(Waiter, ADeadlineEndsTheWaitAndTheQueueIsEmpty) {
  run_in_scheduler([] {
    Bell bell;
    EXPECT_EQ(bell.wait({.deadline = Deadline::after(milliseconds(1))}), WakeReason::kTimeout);
    EXPECT_TRUE(bell.queue.empty());
  });
}

TEST(Waiter, CancelAndTimeLimitEndWaitsThatMayFail) {
  run_in_scheduler([] {
    Bell bell;
    auto task = spawn([&] { return bell.wait(); });
    yield();
    task.cancel();
    EXPECT_EQ(task.join(), WakeReason::kCanceled);
    {
      const TimeLimit limit(milliseconds(1));
      EXPECT_EQ(bell.wait(), WakeReason::kLimit);
    }
    EXPECT_TRUE(bell.queue.empty());
  });
}

TEST(Waiter, CancelDoesNotEndOthers) {
  run_in_scheduler([] {
    Bell bell;
    auto task = spawn([&] { return bell.wait({.may_fail = false}); });
    yield();
    task.cancel();
    yield();
    EXPECT_FALSE(task.done());
    bell.ring();
    EXPECT_EQ(task.join(), WakeReason::kFired);
  });
}

TEST(Waiter, WhoIsClaimedAfterItsTimeIsUpIsServedAllTheSame) {
  run_in_scheduler([] {
    Bell bell;
    auto task = spawn([&] { return bell.wait(); });
    yield();
    // Cancelled, and so ready to run; but the bell rings before it does.
    task.cancel();
    EXPECT_TRUE(bell.ring());
    EXPECT_EQ(task.join(), WakeReason::kFired);
  });
}

TEST(Waiter, APlainThreadWaitsAndWakes) {
  Bell bell;
  std::thread thread([&] {
    while (!bell.ring()) std::this_thread::yield();
  });
  EXPECT_EQ(bell.wait(), WakeReason::kFired);
  thread.join();
  EXPECT_EQ(bell.wait({.deadline = Deadline::after(milliseconds(1))}), WakeReason::kTimeout);
}

TEST(Waiter, OneOfSeveralIsClaimedOnce) {
  Waiter& waiter = Waiter::begin();
  WaitPlace places[2];
  WaitQueue queues[2];
  waiter.expect_several();
  for (std::uint32_t i = 0; i < 2; ++i) {
    places[i].waiter = &waiter;
    places[i].index = i;
    places[i].one_of_several = true;
    queues[i].push_back(places[i]);
  }
  EXPECT_EQ(queues[1].claim_first(), &places[1]);
  EXPECT_EQ(waiter.winner(), 1U);
  EXPECT_EQ(queues[0].claim_first(), nullptr) << "the other one comes too late";
  EXPECT_FALSE(waiter.give_up());
  waiter.wake();
  waiter.await_wake();
}

/// Coroutines of two schedulers and two plain threads wait; others ring until all have heard.
TEST(Waiter, NoWakeIsLostBetweenThreadsHoweverWaitsEnd) {
  const std::size_t rounds = test::many_operations(10'000);
  Bell bell;
  std::atomic<std::size_t> heard{0};
  std::atomic<std::size_t> rung{0};
  std::atomic<int> listeners{4};
  const auto listen = [&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      // Deadlines that have passed, pass soon, or never come to pass.
      const Deadline deadline = i % 3 == 0   ? Deadline::at_nanoseconds(0)
                                : i % 3 == 1 ? Deadline::after(std::chrono::microseconds(20))
                                             : Deadline::after(hours(1));
      if (bell.wait({.deadline = deadline}) == WakeReason::kFired) ++heard;
    }
    --listeners;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { run(listen); });
  for (int i = 0; i < 2; ++i) threads.emplace_back(listen);
  threads.emplace_back([&] {
    while (listeners != 0) {
      if (bell.ring()) ++rung;
    }
  });
  while (listeners != 0) {
    if (bell.ring()) ++rung;
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(heard, rung);
  EXPECT_TRUE(bell.queue.empty());
}

TEST(Waiter, SchedulersComeAndGoWhileOthersWakeTheirCoroutines) {
  Bell bell;
  std::atomic<bool> stop{false};
  std::thread ringer([&] {
    while (!stop) bell.ring();
  });
  for (std::size_t i = 0; i < test::many_operations(300); ++i) {
    run([&] {
      for (int c = 0; c < 3; ++c) go([&] { bell.wait(); });
      bell.wait();
    });
  }
  stop = true;
  ringer.join();
}

TEST(Waiter, RingingForAllReachesEverybody) {
  run_in_scheduler([] {
    Bell bell;
    std::vector<Task<WakeReason>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(spawn([&] { return bell.wait(); }));
    yield();
    std::thread([&] { bell.ring_for_all(); }).join();
    for (auto& task : tasks) EXPECT_EQ(task.join(), WakeReason::kFired);
  });
}

}  // namespace
}  // namespace colibri
