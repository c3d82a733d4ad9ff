#include "colibri/core/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(Task, JoinReturnsTheResult) {
  run_in_scheduler([] {
    auto task = spawn([] {
      yield();
      return std::string("done");
    });
    EXPECT_TRUE(task.joinable());
    EXPECT_FALSE(task.done());
    EXPECT_EQ(task.join(), "done");
    EXPECT_FALSE(task.joinable());
  });
}

TEST(Task, JoinOfVoidWaitsForTheEnd) {
  run_in_scheduler([] {
    bool ended = false;
    auto task = spawn([&] {
      sleep_for(milliseconds(1));
      ended = true;
    });
    task.join();
    EXPECT_TRUE(ended);
  });
}

TEST(Task, JoinOfOneThatHasEndedDoesNotWait) {
  run_in_scheduler([] {
    auto task = spawn([] { return 3; });
    yield();
    EXPECT_TRUE(task.done());
    bool other_ran = false;
    go([&] { other_ran = true; });
    EXPECT_EQ(task.join(), 3);
    EXPECT_FALSE(other_ran);
    yield();  // what the other writes to must not end before it
  });
}

TEST(Task, JoinRethrowsWhatItThrew) {
  run_in_scheduler([] {
    auto task = spawn([]() -> int { throw std::out_of_range("task"); });
    EXPECT_THROW(task.join(), std::out_of_range);
    EXPECT_FALSE(task.joinable());
  });
}

TEST(Task, ResultsThatCannotBeCopiedAreMoved) {
  run_in_scheduler([] {
    auto task = spawn([] { return std::make_unique<int>(9); });
    EXPECT_EQ(*task.join(), 9);
  });
}

TEST(Task, MadeByDefaultItOwnsNothing) {
  Task<int> task;
  EXPECT_FALSE(task.joinable());
  EXPECT_FALSE(task.done());
  task.cancel();
}

TEST(Task, MovedItKeepsTheCoroutine) {
  run_in_scheduler([] {
    auto first = spawn([] { return 1; });
    Task<int> second = std::move(first);
    EXPECT_FALSE(first.joinable());
    EXPECT_EQ(second.join(), 1);
  });
}

/// Tells how a sleeper ended.
struct Sleeper {
  bool& canceled;
  void operator()() const {
    try {
      sleep_for(hours(1));
    } catch (const Canceled&) {
      canceled = true;
      throw;
    }
  }
};

TEST(Task, DestroyedItCancelsAndJoins) {
  run_in_scheduler([] {
    bool canceled = false;
    {
      const auto task = spawn(Sleeper{canceled});
      yield();
    }
    EXPECT_TRUE(canceled);
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
  });
}

TEST(Task, DestroyedDuringUnwindingItCancelsAndJoins) {
  run_in_scheduler([] {
    bool canceled = false;
    try {
      const auto task = spawn(Sleeper{canceled});
      yield();
      throw std::runtime_error("unwind");
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "unwind");
    }
    EXPECT_TRUE(canceled);
  });
}

TEST(Task, AssignedOverItCancelsAndJoins) {
  run_in_scheduler([] {
    bool canceled = false;
    Task<void> task = spawn(Sleeper{canceled});
    yield();
    bool second_ran = false;
    task = spawn([&] { second_ran = true; });
    EXPECT_TRUE(canceled);
    task.join();
    EXPECT_TRUE(second_ran);
  });
}

TEST(Task, DestroyedInACancelledCoroutineItStillJoins) {
  run_in_scheduler([] {
    bool inner_unwound = false;
    auto outer = spawn([&] {
      const auto inner = spawn([&] {
        struct Guard {
          bool& unwound;
          ~Guard() { unwound = true; }
        } guard{inner_unwound};
        sleep_for(hours(1));
      });
      sleep_for(hours(1));
    });
    yield();
    yield();
    outer.cancel();
    EXPECT_THROW(outer.join(), Canceled);
    EXPECT_TRUE(inner_unwound);
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
  });
}

TEST(Task, DestroyedUnderAPassedTimeLimitItStillJoins) {
  run_in_scheduler([] {
    bool canceled = false;
    {
      const TimeLimit limit(milliseconds(0));
      const auto task = spawn(Sleeper{canceled});
    }
    EXPECT_TRUE(canceled);
  });
}

TEST(Task, MayOutliveTheRunThatItsCoroutineEndedIn) {
  Task<int> task;
  run_in_scheduler([&] {
    task = spawn([] { return 4; });
    yield();
  });
  EXPECT_TRUE(task.done());
  EXPECT_EQ(task.join(), 4) << "nothing has to be waited for";
}

TEST(Task, ManyJoinersOfManyTasks) {
  run_in_scheduler([] {
    int sum = 0;
    auto first = spawn([] {
      sleep_for(milliseconds(1));
      return 1;
    });
    auto second = spawn([&first] { return first.join() + 1; });
    auto third = spawn([&second] { return second.join() + 1; });
    sum = third.join();
    EXPECT_EQ(sum, 3);
  });
}

TEST(TaskDeathTest, JoiningTwiceIsRefused) {
  const auto misuse = [] {
    run([] {
      auto task = spawn([] {});
      task.join();
      task.join();
    });
  };
  EXPECT_DEATH(misuse(), "Task::join called on a task that was joined already or owns nothing");
}

TEST(TaskDeathTest, JoiningItselfIsRefused) {
  const auto misuse = [] {
    run([] {
      Task<void> task;
      task = spawn([&] { task.join(); });
      yield();
    });
  };
  EXPECT_DEATH(misuse(), "a coroutine joined itself: it would wait for ever");
}

TEST(TaskDeathTest, JoiningTheCoroutineThatResumedItIsRefused) {
  const auto misuse = [] {
    run([] {
      Task<void> task;
      task = spawn([&] {
        Coroutine outer([&] {
          Coroutine inner([&] { task.join(); });
          inner.resume();
        });
        outer.resume();
      });
      yield();
    });
  };
  EXPECT_DEATH(misuse(), "joined the one that resumed it, .*: it would wait for ever");
}

TEST(TaskDeathTest, DestroyingTheTaskOfTheCoroutineThatResumedItIsRefused) {
  const auto misuse = [] {
    run([] {
      Task<void> task;
      task = spawn([&] {
        Coroutine inner([&] { task = Task<void>(); });
        inner.resume();
      });
      yield();
    });
  };
  EXPECT_DEATH(misuse(), "joined the one that resumed it, .*: it would wait for ever");
}

TEST(Task, ACoroutineThatWasResumedMayJoinOthers) {
  run_in_scheduler([] {
    auto task = spawn([] {
      const auto joined = std::make_shared<int>(0);
      auto other = std::make_shared<Task<int>>(spawn([] {
        yield();
        return 5;
      }));
      Coroutine inner([joined, other] { *joined = other->join(); });
      inner.resume();
      return *joined;
    });
    EXPECT_EQ(task.join(), 5);
  });
}

TEST(TaskDeathTest, TwoJoinersOfOneTaskAreRefused) {
  const auto misuse = [] {
    run([] {
      auto task = spawn([] { sleep_for(milliseconds(1)); });
      go([&] { task.join(); });
      yield();
      task.join();
    });
  };
  EXPECT_DEATH(misuse(), "colibri: .*join");
}

}  // namespace
}  // namespace colibri
