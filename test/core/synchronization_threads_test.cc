// Locks and the like between two schedulers and plain threads at once.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "colibri/core/barrier.h"
#include "colibri/core/condition_variable.h"
#include "colibri/core/event.h"
#include "colibri/core/latch.h"
#include "colibri/core/mutex.h"
#include "colibri/core/once.h"
#include "colibri/core/semaphore.h"
#include "colibri/core/shared_mutex.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/wait_group.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

constexpr int kFlows = 6;  // two schedulers with two coroutines each, and two plain threads

/// Runs `body` in all flows at once.
void everywhere(const std::function<void()>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      run([&] {
        auto other = spawn([&] { body(); });
        body();
        other.join();
      });
    });
    threads.emplace_back(body);
  }
  for (std::thread& thread : threads) thread.join();
}

const std::size_t kRounds = test::many_operations(3'000);

TEST(SynchronizationThreads, AMutexExcludes) {
  Mutex mutex;
  std::size_t count = 0;
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      const std::lock_guard lock(mutex);
      ++count;
      if (i % 64 == 0) yield();
    }
  });
  EXPECT_EQ(count, kFlows * kRounds);
}

TEST(SynchronizationThreads, ATimedMutexExcludesAndGivesUp) {
  TimedMutex mutex;
  std::size_t count = 0;
  std::atomic<std::size_t> locked{0};
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      if (!mutex.try_lock_for(std::chrono::microseconds(i % 8))) continue;
      ++count;
      ++locked;
      if (i % 64 == 0) yield();
      mutex.unlock();
    }
  });
  EXPECT_EQ(count, locked);
}

TEST(SynchronizationThreads, ASharedMutexExcludesWriters) {
  SharedMutex mutex;
  std::size_t first = 0;
  std::size_t second = 0;
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      if (i % 4 == 0) {
        const std::unique_lock lock(mutex);
        ++first;
        ++second;
      } else {
        const std::shared_lock lock(mutex);
        ASSERT_EQ(first, second);
        if (i % 64 == 1) yield();
      }
    }
  });
  EXPECT_EQ(first, kFlows * ((kRounds + 3) / 4));
}

TEST(SynchronizationThreads, AConditionIsHandedRound) {
  Mutex mutex;
  ConditionVariable changed;
  std::atomic<int> next_number{0};
  int turn = 0;
  const std::size_t rounds = kRounds / 4;
  everywhere([&] {
    const int number = next_number++;
    for (std::size_t i = 0; i < rounds; ++i) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return turn == number; });
      turn = (turn + 1) % kFlows;
      changed.notify_all();
    }
  });
  EXPECT_EQ(turn, 0);
}

TEST(SynchronizationThreads, ASemaphoreCounts) {
  Semaphore permits(2);
  std::atomic<int> inside{0};
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      permits.acquire();
      ASSERT_LE(++inside, 2);
      if (i % 64 == 0) yield();
      --inside;
      permits.release();
    }
  });
  EXPECT_TRUE(permits.try_acquire());
  EXPECT_TRUE(permits.try_acquire());
  EXPECT_FALSE(permits.try_acquire());
}

TEST(SynchronizationThreads, ABarrierKeepsPhasesApart) {
  Barrier barrier(kFlows);
  std::atomic<std::size_t> arrived{0};
  const std::size_t phases = kRounds / 10;
  everywhere([&] {
    for (std::size_t phase = 1; phase <= phases; ++phase) {
      ++arrived;
      barrier.arrive_and_wait();
      ASSERT_GE(arrived, phase * kFlows);
      ASSERT_LE(arrived, (phase + 1) * kFlows);
    }
  });
  EXPECT_EQ(arrived, phases * kFlows);
}

TEST(SynchronizationThreads, LatchOnceEventAndWaitGroup) {
  for (std::size_t i = 0; i < kRounds / 50; ++i) {
    Latch latch(kFlows);
    Once once;
    const Event event;
    const WaitGroup group;
    group.add(kFlows);
    int calls = 0;
    everywhere([&] {
      latch.arrive_and_wait();
      once.call([&] {
        yield();
        ++calls;
      });
      ASSERT_EQ(calls, 1);
      group.done();
      group.wait();
      event.set();
      event.wait();
    });
  }
}

}  // namespace
}  // namespace colibri
