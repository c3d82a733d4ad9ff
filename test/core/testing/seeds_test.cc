// Runs that a seed decides: the same again for the same seed, and what they say when they fail.
#include "colibri/core/testing/seeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/mutex.h"
#include "colibri/core/runtime.h"
#include "colibri/core/select.h"
#include "colibri/core/shared_mutex.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/captured_stderr.h"
#include "test/support/leak_check.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using colibri::testing::for_each_seed;
using colibri::testing::run_with_seed;
using colibri::testing::SeedFailure;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Who did something, in the order in which it was done.
using Order = std::vector<int>;

constexpr int kCoroutines = 6;

/// ThreadSanitizer takes milliseconds for a coroutine.
std::size_t seeds() {
  return test::scaled(100, 100, 20);
}

/// Each coroutine notes its number thrice, with `between()` after each.
template <class Between>
Order order_of(std::uint64_t seed, Between between) {
  Order order;
  run_with_seed(seed, [&] {
    std::vector<Task<void>> tasks;
    for (int i = 0; i < kCoroutines; ++i) {
      tasks.push_back(spawn([&order, &between, i] {
        for (int round = 0; round < 3; ++round) {
          order.push_back(i);
          between();
        }
      }));
    }
    for (Task<void>& task : tasks) task.join();
  });
  return order;
}

/// The failure of a run that must fail.
template <class Main>
SeedFailure failure_of(std::uint64_t seed, Main main,
                       const colibri::testing::SeedOptions& options = {}) {
  try {
    run_with_seed(seed, main, options);
  } catch (const SeedFailure& failure) {
    return failure;
  }
  ADD_FAILURE() << "the run has not failed";
  return {0, ""};
}

/// While it lives, the environment asks for a seed.
class WantedSeed {
 public:
  explicit WantedSeed(const char* text) { setenv("COLIBRI_SEED", text, 1); }
  ~WantedSeed() { unsetenv("COLIBRI_SEED"); }
  WantedSeed(const WantedSeed&) = delete;
  WantedSeed& operator=(const WantedSeed&) = delete;
};

TEST(Seeds, TheSameSeedMakesTheSameOrder) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(order_of(seed, [] { yield(); }), order_of(seed, [] { yield(); })) << seed;
  }
}

TEST(Seeds, OtherSeedsMakeOtherOrders) {
  std::set<Order> orders;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed)
    orders.insert(order_of(seed, [] { yield(); }));
  EXPECT_GE(orders.size(), seeds() * 9 / 10);
}

/// How many of the seeds let others run between calls of one coroutine, none of which has to wait.
template <class Call>
std::size_t interrupted_by(Call call) {
  std::size_t interrupted = 0;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    Order order = order_of(seed, call);
    EXPECT_EQ(order, order_of(seed, call)) << seed;
    order.erase(std::unique(order.begin(), order.end()), order.end());
    interrupted += order.size() > kCoroutines ? 1 : 0;
  }
  return interrupted;
}

TEST(Seeds, PreemptCallsThatMayWait) {
  EXPECT_EQ(interrupted_by([] {}), 0U);
  EXPECT_GT(interrupted_by([] { Channel<int>(1).send(1); }), seeds() / 2);
  EXPECT_GT(interrupted_by([] { select(otherwise([] {})); }), seeds() / 2);
}

TEST(Seeds, PreemptLocksThatAreFree) {
  EXPECT_GT(interrupted_by([mutex = std::make_shared<Mutex>()] {
              mutex->lock();
              mutex->unlock();
            }),
            seeds() / 2);
  EXPECT_GT(interrupted_by([mutex = std::make_shared<SharedMutex>()] {
              mutex->lock_shared();
              mutex->unlock_shared();
            }),
            seeds() / 2);
}

TEST(Seeds, PreemptTheFirstLockOfAll) {
  EXPECT_GT(interrupted_by([] {
              Mutex mutex;
              const std::lock_guard lock(mutex);
            }),
            seeds() / 2);
}

TEST(Seeds, LeaveCallsThatNeverWaitUndivided) {
  EXPECT_EQ(interrupted_by([mutex = std::make_shared<Mutex>()] {
              if (mutex->try_lock()) mutex->unlock();
            }),
            0U);
  EXPECT_EQ(interrupted_by([channel = Channel<int>(100)] { channel.try_send(1); }), 0U);
}

TEST(Seeds, DecideWhetherASpawnedOneRunsAtOnce) {
  std::size_t first = 0;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    run_with_seed(seed, [&] {
      bool ran = false;
      auto task = spawn(SpawnOptions{.at_once = true}, [&] { ran = true; });
      first += ran ? 1U : 0U;
      task.join();
    });
  }
  EXPECT_GT(first, seeds() / 5);
  EXPECT_LT(first, seeds() * 4 / 5);
}

TEST(Seeds, DecideWhatSelectTakes) {
  const auto taken_with = [](std::uint64_t seed) {
    Order taken;
    run_with_seed(seed, [&] {
      const Channel<int> left(10);
      const Channel<int> right(10);
      for (int i = 0; i < 10; ++i) {
        left.send(0);
        right.send(1);
      }
      for (int i = 0; i < 10; ++i) {
        const auto note = [&](int side) { taken.push_back(side); };
        select(on_receive(left, note), on_receive(right, note));
      }
    });
    return taken;
  };
  EXPECT_EQ(taken_with(7), taken_with(7));
  EXPECT_NE(taken_with(7), taken_with(8));
}

TEST(Seeds, AnExceptionOfMainIsAFailureThatSaysHowToHaveItAgain) {
  const SeedFailure failure = failure_of(431, [] { throw std::runtime_error("one is missing"); });
  EXPECT_EQ(failure.seed(), 431U);
  EXPECT_THAT(failure.what(), AllOf(HasSubstr("seed 431: one is missing"),
                                    HasSubstr("COLIBRI_SEED=431 "), HasSubstr("seeds_test")));
}

TEST(Seeds, TheExceptionItselfIsNested) {
  try {
    run_with_seed(1, [] { throw std::out_of_range("far away"); });
    FAIL();
  } catch (const SeedFailure& failure) {
    EXPECT_THROW(std::rethrow_if_nested(failure), std::out_of_range);
  }
}

TEST(Seeds, FalseIsAFailure) {
  EXPECT_THAT(failure_of(3, [] { return false; }).what(), HasSubstr("seed 3: main returned false"));
  run_with_seed(3, [] { return true; });
}

TEST(Seeds, TheFirstSeedThatFailsEndsTheSearch) {
  int runs = 0;
  try {
    for_each_seed(10, [&] { return ++runs != 4; });
    FAIL();
  } catch (const SeedFailure& failure) {
    EXPECT_EQ(failure.seed(), 4U);
  }
  EXPECT_EQ(runs, 4);
  for_each_seed(10, [&] { ++runs; });
  EXPECT_EQ(runs, 14);
}

TEST(Seeds, TheEnvironmentAsksForOneAlone) {
  const WantedSeed wanted("77");
  int runs = 0;
  try {
    for_each_seed(10, [&] { return ++runs == 0; });
    FAIL();
  } catch (const SeedFailure& failure) {
    EXPECT_EQ(failure.seed(), 77U);
  }
  EXPECT_EQ(runs, 1);
}

TEST(Seeds, TheEnvironmentMustHoldANumber) {
  const WantedSeed wanted("77x");
  EXPECT_THROW(for_each_seed(10, [] {}), std::invalid_argument);
}

TEST(Seeds, WhoCannotBeWokenIsReportedAndNotWaitedFor) {
  const test::LeakCheck leaks;
  bool cancelled = false;
  const SeedFailure failure = failure_of(5, [&] {
    const Channel<int> channel;
    auto task = spawn(SpawnOptions{.name = "reader"}, [&] { channel.receive(); });
    try {
      task.join();
    } catch (const Canceled&) {
      cancelled = true;
      throw;
    }
  });
  EXPECT_TRUE(cancelled);
  EXPECT_THAT(failure.what(), AllOf(HasSubstr("nobody can run"), HasSubstr("'main with seed 5'"),
                                    HasSubstr("waits: end of #"), HasSubstr("'reader'"),
                                    HasSubstr("seeds_test.cc:")));
}

TEST(Seeds, WhoCannotBeCancelledIsAbandoned) {
  Mutex mutex;
  mutex.lock();
  std::string said;
  const std::string logged = test::stderr_of([&] {
    const test::LeakCheck leaks(1);
    said = failure_of(6, [&] { mutex.lock(); }).what();
  });
  mutex.unlock();
  EXPECT_THAT(said, HasSubstr("nobody can run"));
  EXPECT_THAT(logged, AllOf(HasSubstr("main with seed 6"), HasSubstr("it is abandoned")));
}

TEST(Seeds, WhoTurnsForEverIsReported) {
  const SeedFailure failure = failure_of(9,
                                         [] {
                                           for (;;) yield();
                                         },
                                         {.most_slices = 1'000});
  EXPECT_THAT(failure.what(), HasSubstr("no end after 1000 slices"));
}

TEST(Seeds, WhoTurnsForEverAndIgnoresCancellationIsAbandoned) {
  std::string said;
  const std::string logged = test::stderr_of([&] {
    const test::LeakCheck leaks(1);
    const auto turn_for_ever = [] {
      for (;;) {
        try {
          yield();
        } catch (const Canceled&) {
        }
      }
    };
    said = failure_of(9, turn_for_ever, {.most_slices = 1'000}).what();
  });
  EXPECT_THAT(said, HasSubstr("no end after 1000 slices"));
  EXPECT_THAT(logged, HasSubstr("it is abandoned"));
}

TEST(Seeds, LocksOfSuchARunServeOthersLater) {
  Mutex mutex;
  run_with_seed(1, [&] { const std::lock_guard lock(mutex); });
  int count = 0;
  const auto add = [&] {
    for (int i = 0; i < 1'000; ++i) {
      const std::lock_guard lock(mutex);
      ++count;
    }
  };
  std::thread other(add);
  run([&] { add(); });
  other.join();
  EXPECT_EQ(count, 2'000);
}

TEST(SeedsDeathTest, RefuseARuntime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run_with_seed(1, [] { const Runtime runtime(1); }), "a Runtime was made in a run");
}

TEST(SeedsDeathTest, AreNotForCoroutines) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run([] { run_with_seed(1, [] {}); }), "must not be called inside");
}

}  // namespace
}  // namespace colibri
