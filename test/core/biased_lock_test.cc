#include "colibri/core/biased_lock.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "test/support/scale.h"

namespace colibri {
namespace {

/// Runs `body` on a thread of its own, and waits for it.
template <class Body>
void on_another_thread(Body body) {
  std::thread(body).join();
}

TEST(BiasedLock, TheFirstThreadKeepsTheBias) {
  BiasedLock lock;
  EXPECT_FALSE(lock.try_lock_biased()) << "nobody has the bias yet";
  { const BiasedGuard guard(lock); }
  ASSERT_TRUE(lock.try_lock_biased());
  lock.unlock(true);
  EXPECT_FALSE(lock.shared());
}

TEST(BiasedLock, TheSecondThreadMakesItShared) {
  BiasedLock lock;
  { const BiasedGuard guard(lock); }
  on_another_thread([&] {
    EXPECT_FALSE(lock.try_lock_biased());
    const BiasedGuard guard(lock);
    EXPECT_TRUE(lock.shared());
  });
  EXPECT_FALSE(lock.try_lock_biased());
  { const BiasedGuard guard(lock); }
  EXPECT_TRUE(lock.shared());
}

TEST(BiasedLock, ALockThatWasOnlyMadeHereIsBiasedElsewhere) {
  BiasedLock lock;
  on_another_thread([&] {
    { const BiasedGuard guard(lock); }
    EXPECT_FALSE(lock.shared());
  });
}

TEST(BiasedLock, AGuardCanReleaseAndTakeAgain) {
  BiasedLock lock;
  BiasedGuard guard(lock);
  guard.release();
  { const BiasedGuard other(lock); }
  guard.take(lock);
}

TEST(BiasedLock, TheOwnerOfADeadThreadsBiasGivesWay) {
  BiasedLock lock;
  int value = 0;
  on_another_thread([&] {
    const BiasedGuard guard(lock);
    value = 1;
  });
  const BiasedGuard guard(lock);
  EXPECT_EQ(value, 1);
}

/// What a lock guards: two numbers that must stay equal.
struct Twins {
  BiasedLock lock;
  std::size_t first = 0;
  std::size_t second = 0;

  void add() {
    const BiasedGuard guard(lock);
    ASSERT_EQ(first, second);
    ++first;
    ++second;
  }
};

TEST(BiasedLock, NobodyIsInsideWhileTheBiasGoes) {
  // Many short lives of a lock: the moment when the bias is taken away is what may go wrong.
  const std::size_t lives = test::many_operations(3'000);
  constexpr std::size_t kAdditions = 200;
  std::vector<Twins> twins(lives);
  std::atomic<std::size_t> owner_at{0};
  std::thread owner([&] {
    for (Twins& each : twins) {
      for (std::size_t i = 0; i < kAdditions; ++i) {
        each.add();
        if (i == kAdditions / 4) ++owner_at;
      }
    }
  });
  for (std::size_t life = 0; life < lives; ++life) {
    while (owner_at <= life) std::this_thread::yield();
    for (std::size_t i = 0; i < 3; ++i) twins[life].add();
  }
  owner.join();
  for (const Twins& each : twins) EXPECT_EQ(each.first, kAdditions + 3);
}

TEST(BiasedLock, SeveralThreadsAtOnce) {
  const std::size_t rounds = test::many_operations(50'000);
  Twins twins;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < rounds; ++i) twins.add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(twins.first, 4 * rounds);
}

}  // namespace
}  // namespace colibri
