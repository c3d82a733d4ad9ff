// Several coroutines on one stack: everything that lies on it comes back as it was.
#include "colibri/core/shared_stack.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/core/spoilt_bytes.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using test::run_in_scheduler;
using test::spoilt_bytes;

/// What was copied so far for coroutines of this name.
StackCopies copies_of(std::string_view name) {
  for (const StackCopies& copies : shared_stack_copies()) {
    if (copies.origin.name == name) return copies;
  }
  return {};
}

TEST(SharedStack, CoroutinesOfOneStackRunAtTheSameAddressesAndKeepTheirVariables) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    const auto work = [](int number) {
      volatile int mine = number;
      std::uintptr_t address;
      asm("" : "=r"(address) : "0"(&mine));  // a number, of which compilers know nothing
      for (int i = 0; i < 10; ++i) {
        yield();
        EXPECT_EQ(mine, number);
      }
      return address;
    };
    std::vector<Task<std::uintptr_t>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(spawn({.shared_stacks = &group}, work, i));
    const std::uintptr_t first = tasks[0].join();
    for (int i = 1; i < 5; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].join(), first);
  });
}

TEST(SharedStack, NothingIsCopiedForOneThatComesBackToAStackNobodyTook) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    spawn({.name = "alone", .shared_stacks = &group}, [] {
      for (int i = 0; i < 100; ++i) yield();
      sleep_for(std::chrono::microseconds(10));
    }).join();
    EXPECT_EQ(copies_of("alone").copies_out, 0U);
  });
}

TEST(SharedStack, CopiesAreCountedByOrigin) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    const std::uint32_t line = __LINE__ + 2;
    const auto start = [&](std::size_t bytes) {
      return spawn({.name = "deep", .shared_stacks = &group},
                   [bytes] { EXPECT_EQ(spoilt_bytes(1, bytes, [] { yield(); }), 0U); });
    };
    auto first = start(3000);
    auto second = start(5000);
    first.join();
    second.join();
    const StackCopies copies = copies_of("deep");
    EXPECT_EQ(copies.origin.site.line, line);
    // The first gives way to the second, and that one to the first.
    EXPECT_EQ(copies.copies_out, 2U);
    EXPECT_GT(copies.bytes_out, 8000U);
    EXPECT_LT(copies.bytes_out, 16000U);
  });
}

TEST(SharedStack, SavedBytesStayInTheMemoryThatTheyHave) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    // Sizes of all kinds: exact ones, classes, and whole pages.
    for (const std::size_t size : {200U, 900U, 3'000U, 10'000U, 16'300U, 17'000U, 70'000U}) {
      const auto yield_holding = [size] {
        return spoilt_bytes(1, size, [] {
          for (int i = 0; i < 5; ++i) yield();
        });
      };
      Task<std::size_t> first = spawn({.shared_stacks = &group}, yield_holding);
      Task<std::size_t> second = spawn({.shared_stacks = &group}, yield_holding);
      const ControlBlock& block = thread_state.scheduler->newest();
      for (int i = 0; i < 2; ++i) yield();
      const void* memory = block.storage;
      for (int i = 0; i < 2; ++i) {
        yield();
        EXPECT_EQ(block.storage, memory) << size;
      }
      EXPECT_EQ(first.join() + second.join(), 0U);
    }
  });
}

// A rival loses the state of the next coroutine of a stack when one ends that still occupies it.
TEST(SharedStack, OneThatEndsWhereAnotherWasCopiedOutDoesNotDisturbIt) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    auto waiter = spawn({.shared_stacks = &group}, [] {
      return spoilt_bytes(7, 500, [] {
        yield();
        yield();
      });
    });
    yield();
    for (int i = 0; i < 3; ++i) {
      spawn({.shared_stacks = &group}, [] { return spoilt_bytes(9, 2000, [] {}); }).join();
    }
    EXPECT_EQ(waiter.join(), 0U);
  });
}

TEST(SharedStack, OverAlignedFramesAndClosures) {
  struct alignas(128) Aligned {
    int value;
  };
  run_in_scheduler([] {
    const SharedStackGroup group(2);
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 6; ++i) {
      tasks.push_back(spawn({.shared_stacks = &group}, [given = Aligned{i}] {
        Aligned local{given.value};
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&local) % 128, 0U);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&given) % 128, 0U);
        yield();
        return local.value + given.value;
      }));
    }
    for (int i = 0; i < 6; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].join(), 2 * i);
  });
}

TEST(SharedStack, ResumeAndYieldWithoutAScheduler) {
  const test::LeakCheck leaks;
  const SharedStackGroup group(1);
  std::vector<Coroutine> coroutines;
  std::size_t spoilt = 1000;
  std::size_t ended = 0;
  for (unsigned i = 0; i < 4; ++i) {
    coroutines.emplace_back(
        [&spoilt, &ended, i] {
          spoilt = spoilt_bytes(i, 100 + 50 * i, [] {
            for (int turn = 0; turn < 5; ++turn) Coroutine::yield();
          });
          EXPECT_EQ(spoilt, 0U);
          ++ended;
        },
        SpawnOptions{.shared_stacks = &group});
  }
  for (int turn = 0; turn < 6; ++turn) {
    for (Coroutine& coroutine : coroutines) coroutine.resume();
  }
  EXPECT_EQ(ended, 4U);
}

// The resumer itself lies on the stack that the resumed one needs.
TEST(SharedStack, AResumerIsCopiedOutForTheOneItResumes) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    const auto work = [](const SharedStackGroup& stacks, unsigned seed) {
      auto inner = std::make_unique<Coroutine>(
          [seed] {
            EXPECT_EQ(spoilt_bytes(seed + 1, 300, [] { Coroutine::yield(); }), 0U);
            yield();
          },
          SpawnOptions{.shared_stacks = &stacks});
      return spoilt_bytes(seed, 700, [&inner] {
        // `inner` lies in this frame: it is used only while this coroutine runs.
        Coroutine* resumed = inner.get();
        resumed->resume();
        resumed->resume();
      });
    };
    auto first = spawn({.shared_stacks = &group}, work, std::cref(group), 1U);
    auto second = spawn({.shared_stacks = &group}, work, std::cref(group), 5U);
    EXPECT_EQ(first.join(), 0U);
    EXPECT_EQ(second.join(), 0U);
  });
}

// Every byte of every stack, over random orders, sizes and groups.
TEST(SharedStack, AMillionSwitchesSpoilNothing) {
  const int coroutines = 200;
  const int turns = static_cast<int>(test::many_operations(1'000'000)) / coroutines;
  run_in_scheduler([=] {
    const SharedStackGroup narrow(1, 64 * 1024);
    const SharedStackGroup wide(5, 128 * 1024);
    const auto work = [turns](unsigned seed) {
      std::minstd_rand random(seed + 1);
      std::size_t spoilt = 0;
      for (int left = turns; left > 0;) {
        const std::size_t size = random() % (random() % 16 == 0 ? 8000 : 400);
        const int pauses = static_cast<int>(random() % 8) + 1;
        spoilt += spoilt_bytes(seed, size, [pauses] {
          for (int i = 0; i < pauses; ++i) yield();
        });
        left -= pauses;
      }
      return spoilt;
    };
    std::vector<Task<std::size_t>> tasks;
    for (unsigned i = 0; i < coroutines; ++i) {
      SpawnOptions options;
      if (i % 3 != 0) options.shared_stacks = i % 3 == 1 ? &narrow : &wide;
      tasks.push_back(spawn(options, work, i));
    }
    for (Task<std::size_t>& task : tasks) EXPECT_EQ(task.join(), 0U);
  });
}

}  // namespace
}  // namespace colibri
