// What a coroutine can be made of: stacks, functions, threads.
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "colibri/core/coroutine.h"
#include "test/support/leak_check.h"

namespace colibri {
namespace {

class CoroutineMakingTest : public testing::Test {
 private:
  test::LeakCheck leaks_;
};

TEST_F(CoroutineMakingTest, MakesAndDropsMoreThanAnyLimitOfTheInstruments) {
  // ThreadSanitizer dies above 8,128 fibers alive: those dropped must be gone for it, too.
  for (int i = 0; i < 5'000; ++i) Coroutine never_ran([] {});
  for (int i = 0; i < 5'000; ++i) {
    Coroutine suspended([] { Coroutine::yield(); });
    suspended.resume();
  }
}

TEST_F(CoroutineMakingTest, EveryThreadHasItsOwn) {
  constexpr int kThreads = 4;
  std::vector<int> sums(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&sum = sums[static_cast<std::size_t>(t)], t] {
      const test::StackLeakCheck leaks;
      Coroutine coroutine([&] {
        for (;;) {
          sum += t;
          Coroutine::yield();
        }
      });
      for (int i = 0; i < 1'000; ++i) coroutine.resume();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sums, (std::vector{0, 1'000, 2'000, 3'000}));
}

TEST_F(CoroutineMakingTest, TakesEverySizeOfStack) {
  for (std::size_t bytes = smallest_stack_bytes(); bytes <= kLargestStackBytes; bytes *= 4) {
    int steps = 0;
    Coroutine coroutine(
        [&] {
          ++steps;
          Coroutine::yield();
          ++steps;
        },
        SpawnOptions{.stack_bytes = bytes});
    coroutine.resume();
    coroutine.resume();
    EXPECT_EQ(steps, 2) << bytes;
  }
}

TEST_F(CoroutineMakingTest, RefusesSizesThatNoStackHas) {
  const auto make = [](std::size_t bytes) {
    const Coroutine coroutine([] {}, SpawnOptions{.stack_bytes = bytes});
  };
  EXPECT_THROW(make(1), std::invalid_argument);
  EXPECT_THROW(make(kSmallestStackBytes - 1), std::invalid_argument);
  EXPECT_THROW(make(kLargestStackBytes + 1), std::invalid_argument);
}

TEST_F(CoroutineMakingTest, AFunctionTooLargeForItsStackIsRefused) {
  struct Large {
    std::byte bytes[48 * 1024];
    void operator()() const {}
  };
  const auto make = [] {
    const Coroutine coroutine(Large{}, SpawnOptions{.stack_bytes = smallest_stack_bytes()});
  };
  EXPECT_THROW(make(), std::invalid_argument);
}

TEST_F(CoroutineMakingTest, AFunctionThatCannotBeMovedInLeavesNothingBehind) {
  struct Stubborn {
    Stubborn() = default;
    Stubborn(const Stubborn&) { throw std::runtime_error("no copies"); }
    void operator()() const {}
  };
  const Stubborn function;
  EXPECT_THROW(Coroutine{function}, std::runtime_error);
}

TEST_F(CoroutineMakingTest, KeepsTheAlignmentOfItsFunction) {
  struct alignas(256) Aligned {
    std::uintptr_t* misaligned_by;
    void operator()() const { *misaligned_by = reinterpret_cast<std::uintptr_t>(this) % 256; }
  };
  std::uintptr_t misaligned_by = 1;
  Coroutine coroutine(Aligned{&misaligned_by});
  coroutine.resume();
  EXPECT_EQ(misaligned_by, 0U);
}

}  // namespace
}  // namespace colibri
