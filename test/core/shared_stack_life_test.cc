// Coroutines on shared stacks are made, end, fail, are cancelled and destroyed as on private ones;
// their groups and defaults.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/core/spoilt_bytes.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;
using test::spoilt_bytes;

TEST(SharedStackLife, ExceptionsAndErrnoAreEachCoroutinesOwn) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    const auto work = [](int number) {
      for (int i = 0; i < 20; ++i) {
        errno = 1000 + number;
        try {
          throw std::runtime_error(std::to_string(number));
        } catch (const std::runtime_error& error) {
          yield();
          EXPECT_EQ(error.what(), std::to_string(number));
          EXPECT_EQ(errno, 1000 + number);
          try {
            yield();
            throw;
          } catch (const std::exception& again) {
            yield();
            EXPECT_EQ(again.what(), std::to_string(number));
          }
        }
        EXPECT_EQ(std::uncaught_exceptions(), 0);
      }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 7; ++i) tasks.push_back(spawn({.shared_stacks = &group}, work, i));
    for (Task<void>& task : tasks) task.join();
  });
}

TEST(SharedStackLife, ClosuresThatPointIntoThemselvesAreMovedNotCopied) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    auto task = spawn({.shared_stacks = &group}, [text = std::string("short")] {
      yield();
      return text;
    });
    auto other = spawn({.shared_stacks = &group}, [] { yield(); });
    EXPECT_EQ(task.join(), "short");
    other.join();
  });
}

TEST(SharedStackLife, AClosureThatThrowsWhileItMovesEndsThatCoroutineOnly) {
  struct Stubborn {
    Stubborn() = default;
    Stubborn(Stubborn&& other) : moves(other.moves + 1) {
      if (moves == 4) throw std::runtime_error("does not move any more");
    }
    void operator()() {}
    int moves = 0;
  };
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    int ended = 0;
    for (int i = 0; i < 3; ++i) {
      try {
        go({.shared_stacks = &group}, Stubborn());
      } catch (const std::runtime_error&) {
        ++ended;
      }
      yield();
    }
    EXPECT_EQ(thread_shared_stacks().in_use(), 0U);
  });
}

TEST(SharedStackLife, CancelReachesThoseThatAreCopiedOut) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 10; ++i) {
      tasks.push_back(spawn({.shared_stacks = &group}, [i] {
        try {
          sleep_for(std::chrono::hours(1));
        } catch (const Canceled&) {
          return i;
        }
        return -1;
      }));
    }
    yield();
    for (Task<int>& task : tasks) task.cancel();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].join(), i);
  });
}

TEST(SharedStackLife, TimeLimitsOfThoseThatAreCopiedOut) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    std::vector<Task<bool>> tasks;
    for (int i = 0; i < 10; ++i) {
      tasks.push_back(spawn({.shared_stacks = &group}, [] {
        const TimeLimit limit(std::chrono::milliseconds(1));
        try {
          sleep_for(std::chrono::hours(1));
        } catch (const std::system_error& error) {
          return error.code() == std::errc::timed_out;
        }
        return false;
      }));
    }
    for (Task<bool>& task : tasks) EXPECT_TRUE(task.join());
  });
}

TEST(SharedStackLife, DestroyingOneThatIsSuspendedUnwindsIt) {
  const test::LeakCheck leaks;
  const SharedStackGroup group(1);
  bool unwound = false;
  struct Notice {
    bool& flag;
    ~Notice() { flag = true; }
  };
  {
    Coroutine first(
        [&unwound] {
          const Notice notice{unwound};
          Coroutine::yield();
        },
        SpawnOptions{.shared_stacks = &group});
    Coroutine second([] { Coroutine::yield(); }, SpawnOptions{.shared_stacks = &group});
    first.resume();
    second.resume();
  }
  EXPECT_TRUE(unwound);
}

TEST(SharedStackLife, GroupsOutliveTheirHandlesWhileSomebodyRunsThere) {
  run_in_scheduler([] {
    Task<std::size_t> task;
    {
      const SharedStackGroup group(2, 64 * 1024);
      EXPECT_EQ(group.count(), 2U);
      EXPECT_GE(group.stack_bytes(), 60U * 1024);
      task =
          spawn({.shared_stacks = &group}, [] { return spoilt_bytes(3, 9000, [] { yield(); }); });
      yield();
    }
    EXPECT_EQ(task.join(), 0U);
    EXPECT_EQ(thread_shared_stacks().stack_count(), 0U);
  });
}

TEST(SharedStackLife, RefusesGroupsThatCannotBe) {
  const test::LeakCheck leaks;
  EXPECT_THROW(SharedStackGroup(0), std::invalid_argument);
  EXPECT_THROW(SharedStackGroup(1, 1), std::invalid_argument);
  EXPECT_THROW(SharedStackGroup(256), std::system_error);
  EXPECT_EQ(thread_shared_stacks().stack_count(), 0U);
  const SharedStackGroup all(255, smallest_stack_bytes());
  EXPECT_THROW(SharedStackGroup(1), std::system_error);
}

TEST(SharedStackLife, ASchedulersDefaultHoldsForWhoAsksForNothing) {
  const auto kind_of = [](const SpawnOptions& options) {
    return spawn(options, [] { return thread_state.current->on_shared_stack(); }).join();
  };
  run_in_scheduler(
      [&] {
        EXPECT_FALSE(thread_state.current->on_shared_stack()) << "main has a stack of its own";
        EXPECT_TRUE(kind_of({}));
        EXPECT_FALSE(kind_of({.stack_bytes = 64 * 1024}));
        Coroutine coroutine([] { EXPECT_FALSE(thread_state.current->on_shared_stack()); });
        coroutine.resume();
      },
      RunOptions{.stacks = StackChoice{.shared_count = 2}});
}

}  // namespace
}  // namespace colibri
