#include "colibri/core/small_lock.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "test/support/scale.h"

namespace colibri {
namespace {

TEST(SmallLock, IsFourBytes) {
  EXPECT_EQ(sizeof(SmallLock), 4U);
}

TEST(SmallLock, AdmitsOneThreadAtATime) {
  constexpr std::size_t kThreads = 4;
  const std::size_t rounds = test::many_operations(50'000);
  SmallLock lock;
  std::size_t counter = 0;  // not atomic: the lock is all that protects it
  int inside = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < rounds; ++i) {
        const SmallLockGuard guard(lock);
        EXPECT_EQ(++inside, 1);
        ++counter;
        // Now and then the others pile up behind.
        if (i % 1'000 == 0) std::this_thread::yield();
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, kThreads * rounds);
}

TEST(SmallLock, WakesASleeperWhenItIsFreed) {
  SmallLock lock;
  lock.lock();
  bool entered = false;
  std::thread waiter([&] {
    const SmallLockGuard guard(lock);
    entered = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(entered);
  lock.unlock();
  waiter.join();
  EXPECT_TRUE(entered);
}

}  // namespace
}  // namespace colibri
