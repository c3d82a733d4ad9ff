// Without memory to copy a shared stack: who wants the stack waits, others go on, nothing is lost.
#include <alloca.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <new>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

/// So many live bytes have no size class: saving them takes a mapping of its own.
constexpr std::size_t kLiveBytes = 100'000;

/// While it lives, the process can map nothing more.
class NoMoreMemory {
 public:
  NoMoreMemory() {
    getrlimit(RLIMIT_AS, &before_);
    std::ifstream statm("/proc/self/statm");
    std::size_t pages = 0;
    statm >> pages;
    const rlimit limit{pages * 4096, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  }
  ~NoMoreMemory() { setrlimit(RLIMIT_AS, &before_); }
  NoMoreMemory(const NoMoreMemory&) = delete;
  NoMoreMemory& operator=(const NoMoreMemory&) = delete;

 private:
  rlimit before_{};
};

/// Has kLiveBytes on its stack, calls `pause`, and counts the bytes that are different afterwards.
template <class Pause>
[[gnu::noinline]] std::size_t spoilt_over(unsigned char mark, Pause pause) {
  auto* bytes = static_cast<volatile unsigned char*>(alloca(kLiveBytes));
  for (std::size_t i = 0; i < kLiveBytes; ++i) bytes[i] = mark;
  pause();
  std::size_t spoilt = 0;
  for (std::size_t i = 0; i < kLiveBytes; ++i) spoilt += bytes[i] != mark;
  return spoilt;
}

class SharedStackMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "their shadow has no limit";
  }
};

TEST_F(SharedStackMemoryTest, WhoWantsAStackWaitsUntilItCanBeCopied) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    struct Progress {
      int turns = 0;
      bool stop = false;
    };
    Progress first;
    Progress second;
    const auto work = [&group](unsigned char mark, Progress& progress) {
      return spawn({.shared_stacks = &group}, [mark, &progress] {
        return spoilt_over(mark, [&progress] {
          for (; !progress.stop; ++progress.turns) yield();
        });
      });
    };
    Task<std::size_t> one = work(1, first);
    Task<std::size_t> other = work(2, second);
    {
      // Before anybody was copied: there is no memory of the right size yet.
      const NoMoreMemory limit;
      for (int i = 0; i < 100; ++i) yield();
      EXPECT_GT(first.turns, 0) << "the one who has the stack goes on";
      EXPECT_EQ(second.turns, 0);
    }
    while (second.turns < 10) yield();
    const int turns = first.turns;
    while (first.turns == turns) yield();
    first.stop = second.stop = true;
    EXPECT_EQ(one.join(), 0U);
    EXPECT_EQ(other.join(), 0U);
  });
}

// The occupant is parked, and the loop itself meets the want of memory.
TEST_F(SharedStackMemoryTest, AParkedOccupantIsNotLost) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    auto sleeper = spawn({.shared_stacks = &group}, [] {
      return spoilt_over(3, [] { sleep_for(std::chrono::milliseconds(5)); });
    });
    yield();
    bool began = false;
    auto late = spawn({.shared_stacks = &group}, [&began] { began = true; });
    {
      const NoMoreMemory limit;
      EXPECT_EQ(sleeper.join(), 0U) << "it never had to leave its stack";
    }
    late.join();
    EXPECT_TRUE(began);
  });
}

TEST_F(SharedStackMemoryTest, ResumeThrowsAndMayBeTriedAgain) {
  const test::LeakCheck leaks;
  const SharedStackGroup group(1);
  std::size_t spoilt = 1;
  Coroutine first([&spoilt] { spoilt = spoilt_over(4, [] { Coroutine::yield(); }); },
                  {.shared_stacks = &group});
  Coroutine second([] {}, {.shared_stacks = &group});
  first.resume();
  {
    const NoMoreMemory limit;
    EXPECT_THROW(second.resume(), std::bad_alloc);
    EXPECT_FALSE(second.done());
  }
  second.resume();
  EXPECT_TRUE(second.done());
  first.resume();
  EXPECT_EQ(spoilt, 0U);
}

// The resumer is on the stack that the one it resumes needs.
TEST_F(SharedStackMemoryTest, AResumerThatCannotLeaveGoesOn) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    auto task = spawn({.shared_stacks = &group}, [&group] {
      auto inner = std::make_unique<Coroutine>([] {}, SpawnOptions{.shared_stacks = &group});
      Coroutine* resumed = inner.get();
      const std::size_t spoilt = spoilt_over(5, [resumed] {
        const NoMoreMemory limit;
        EXPECT_THROW(resumed->resume(), std::bad_alloc);
      });
      resumed->resume();
      EXPECT_TRUE(resumed->done());
      return spoilt;
    });
    EXPECT_EQ(task.join(), 0U);
  });
}

}  // namespace
}  // namespace colibri
