// pthread_once, std::call_once and barriers in coroutines, and between coroutines and threads.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "colibri/core/deadline.h"
#include "colibri/core/sleep.h"
#include "test/hook/flows.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using std::chrono::milliseconds;

TEST(Once, WhoComesWhileTheRoutineParksWaitsForIt) {
  run_in_scheduler([] {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static int value = 0;
    const auto initialise = [] {
      pthread_once(&once, [] {
        sleep_for(milliseconds(2));
        ++value;
      });
      return value;
    };
    auto first = spawn(initialise);
    auto second = spawn(initialise);
    EXPECT_EQ(second.join(), 1);
    EXPECT_EQ(first.join(), 1);
  });
}

TEST(Once, CancelAndTimeLimitDoNotEndTheWait) {
  run_in_scheduler([] {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static bool over = false;
    static bool go_on = false;
    auto first = spawn([] {
      pthread_once(&once, [] {
        while (!go_on) yield();
        over = true;
      });
    });
    yield();
    auto second = spawn([] {
      const TimeLimit limit(milliseconds(0));
      pthread_once(&once, [] { FAIL() << "runs twice"; });
      return over;
    });
    yield();
    second.cancel();
    sleep_for(milliseconds(1));
    EXPECT_FALSE(second.done());
    go_on = true;
    EXPECT_TRUE(second.join());
    first.join();
  });
}

// std::call_once tells the routine by variables of the thread what to call.
TEST(Once, OneThatFailsIsTriedAgainByWhoWaitedThoughOthersHaveRunSince) {
  run_in_scheduler([] {
    struct Shared {
      std::once_flag flag;
      std::once_flag unrelated;
      std::vector<int> order;
    };
    const auto shared = std::make_shared<Shared>();
    auto failing = spawn([shared] {
      const auto fail = [&] {
        sleep_for(milliseconds(2));
        throw std::runtime_error("the first try fails");
      };
      EXPECT_THROW(std::call_once(shared->flag, fail), std::runtime_error);
    });
    yield();
    auto waiting =
        spawn([shared] { std::call_once(shared->flag, [&] { shared->order.push_back(2); }); });
    yield();
    std::call_once(shared->unrelated, [&] { shared->order.push_back(1); });
    failing.join();
    waiting.join();
    EXPECT_EQ(shared->order, (std::vector<int>{1, 2}));
  });
}

TEST(Once, IsBegunAnewInTheChildOfAForkThatLacksWhoRunsIt) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  run_in_scheduler([] {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static int runs = 0;
    const auto initialise = [] {
      pthread_once(&once, [] {
        yield();
        ++runs;
      });
    };
    auto running = spawn(initialise);
    yield();
    const pid_t child = fork();
    if (child == 0) {
      initialise();
      _exit(runs == 1 ? 0 : 1);
    }
    EXPECT_EQ(exit_status_of(child), 0);
    running.join();
    EXPECT_EQ(runs, 1);
  });
}

TEST(OnceThreads, EachRoutineRunsOnce) {
  const std::size_t kinds = many_operations(500);
  const auto flags = std::make_unique<std::once_flag[]>(kinds);
  const auto runs = std::make_unique<std::atomic<int>[]>(kinds);
  everywhere([&] {
    for (std::size_t i = 0; i < kinds; ++i) {
      std::call_once(flags[i], [&] {
        if (i % 8 == 0) usleep(1);
        ++runs[i];
      });
      EXPECT_EQ(runs[i], 1);
    }
  });
}

TEST(OnceThreads, WhatFailsIsTriedAgainUntilItHasNotFailed) {
  const std::size_t kinds = many_operations(200);
  const auto flags = std::make_unique<std::once_flag[]>(kinds);
  const auto tries = std::make_unique<std::atomic<int>[]>(kinds);
  everywhere([&] {
    for (std::size_t i = 0; i < kinds; ++i) {
      try {
        std::call_once(flags[i], [&] {
          if (++tries[i] < 3) throw std::runtime_error("not yet");
        });
        EXPECT_EQ(tries[i], 3);
      } catch (const std::runtime_error&) {
        --i;
      }
    }
  });
}

TEST(BarrierThreads, AllPassTogetherAndOneIsTold) {
  const std::size_t rounds = many_operations(500);
  pthread_barrier_t barrier;
  ASSERT_EQ(pthread_barrier_init(&barrier, nullptr, kFlows), 0);
  std::atomic<std::size_t> arrived{0};
  std::atomic<std::size_t> told{0};
  everywhere([&] {
    for (std::size_t round = 1; round <= rounds; ++round) {
      ++arrived;
      const int result = pthread_barrier_wait(&barrier);
      EXPECT_GE(arrived, round * kFlows) << "one passed before all had come";
      if (result == PTHREAD_BARRIER_SERIAL_THREAD) ++told;
    }
  });
  EXPECT_EQ(told, rounds);
  EXPECT_EQ(pthread_barrier_destroy(&barrier), 0);
}

TEST(BarrierThreads, WhoPassesMayDestroyIt) {
  const std::size_t rounds = many_operations(200);
  pthread_barrier_t gate;
  ASSERT_EQ(pthread_barrier_init(&gate, nullptr, kFlows), 0);
  pthread_barrier_t* barrier = nullptr;
  everywhere([&] {
    for (std::size_t round = 0; round < rounds; ++round) {
      if (pthread_barrier_wait(&gate) == PTHREAD_BARRIER_SERIAL_THREAD) {
        barrier = new pthread_barrier_t;
        pthread_barrier_init(barrier, nullptr, kFlows);
      }
      pthread_barrier_wait(&gate);
      pthread_barrier_t* const passed = barrier;
      if (pthread_barrier_wait(passed) == PTHREAD_BARRIER_SERIAL_THREAD) {
        EXPECT_EQ(pthread_barrier_destroy(passed), 0);
        delete passed;
      }
    }
  });
  EXPECT_EQ(pthread_barrier_destroy(&gate), 0);
}

TEST(Barrier, OneThatIsWaitedForCannotBeDestroyed) {
  run_in_scheduler([] {
    const auto barrier = std::make_shared<pthread_barrier_t>();
    pthread_barrier_init(barrier.get(), nullptr, 2);
    auto first = spawn([barrier] { return pthread_barrier_wait(barrier.get()); });
    yield();
    EXPECT_EQ(pthread_barrier_destroy(barrier.get()), EBUSY);
    EXPECT_EQ(pthread_barrier_wait(barrier.get()), PTHREAD_BARRIER_SERIAL_THREAD);
    EXPECT_EQ(pthread_barrier_destroy(barrier.get()), 0);
    EXPECT_EQ(first.join(), 0);
  });
}

}  // namespace
}  // namespace colibri::test
