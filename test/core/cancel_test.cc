// Task::cancel: every wait that may fail does so, from then on.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "colibri/core/coroutine.h"
#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/unpark.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

/// Runs `wait` in a task until it waits, cancels it, and expects Canceled to end it.
template <class Wait>
void expect_cancel_ends(Wait wait) {
  run_in_scheduler([&] {
    bool returned = false;
    auto task = spawn([&] {
      wait();
      returned = true;
    });
    for (int i = 0; i < 5; ++i) yield();
    EXPECT_FALSE(task.done());
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
    EXPECT_FALSE(returned);
  });
}

TEST(Cancel, EndsASleep) {
  expect_cancel_ends([] { sleep_for(hours(1)); });
}

TEST(Cancel, EndsASleepForEver) {
  expect_cancel_ends([] { sleep_until(Deadline::never()); });
}

TEST(Cancel, EndsAJoinAndTheTaskJoinedIsCancelledByItsOwner) {
  bool inner_canceled = false;
  expect_cancel_ends([&] {
    auto inner = spawn([&] {
      try {
        sleep_for(hours(1));
      } catch (const Canceled&) {
        inner_canceled = true;
      }
    });
    inner.join();
  });
  EXPECT_TRUE(inner_canceled);
}

TEST(Cancel, EndsALoopThatYields) {
  expect_cancel_ends([] {
    for (;;) yield();
  });
}

TEST(Cancel, EndsAPark) {
  expect_cancel_ends([] {
    Parker parker;
    parker.park();
  });
}

TEST(Cancel, EndsAParkWithADeadline) {
  expect_cancel_ends([] {
    Parker parker;
    parker.park_until(Deadline::after(hours(1)));
  });
}

TEST(Cancel, ReachesAWaitInsideACoroutineThatItResumed) {
  // In the heap, and captured by value: any of the three may be on a shared stack.
  const auto unwound = std::make_shared<bool>(false);
  expect_cancel_ends([unwound] {
    struct Guard {
      bool& unwound;
      ~Guard() { unwound = true; }
    };
    const auto innermost = std::make_shared<Coroutine>([unwound] {
      const Guard guard{*unwound};
      sleep_for(hours(1));
    });
    Coroutine inner([innermost] { innermost->resume(); });
    inner.resume();
  });
  EXPECT_TRUE(*unwound);
}

TEST(Cancel, BeforeTheStartLetsItBeginAndEndsItsFirstWait) {
  run_in_scheduler([] {
    bool began = false;
    bool went_on = false;
    auto task = spawn([&] {
      began = true;
      sleep_for(hours(1));
      went_on = true;
    });
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
    EXPECT_TRUE(began);
    EXPECT_FALSE(went_on);
  });
}

TEST(Cancel, IsForGood) {
  run_in_scheduler([] {
    int failures = 0;
    auto task = spawn([&] {
      const auto expect_failure = [&](auto wait) {
        try {
          wait();
        } catch (const Canceled&) {
          ++failures;
        }
      };
      Parker parker;
      expect_failure([] { sleep_for(hours(1)); });
      expect_failure([] { sleep_for(hours(1)); });
      expect_failure([] { sleep_for(milliseconds(0)); });
      expect_failure([] { yield(); });
      expect_failure([&] { parker.park(); });
      expect_failure([&] { parker.park_until(Deadline::after(milliseconds(1))); });
    });
    yield();
    task.cancel();
    task.join();
    EXPECT_EQ(failures, 6);
  });
}

TEST(Cancel, TwiceIsAsGoodAsOnce) {
  run_in_scheduler([] {
    int failures = 0;
    auto task = spawn([&] {
      try {
        sleep_for(hours(1));
      } catch (const Canceled&) {
        ++failures;
      }
    });
    yield();
    task.cancel();
    task.cancel();
    task.join();
    EXPECT_EQ(failures, 1);
  });
}

TEST(Cancel, AfterTheEndChangesNothing) {
  run_in_scheduler([] {
    auto task = spawn([] { return 5; });
    yield();
    task.cancel();
    EXPECT_EQ(task.join(), 5);
  });
}

TEST(Cancel, AResultThatWasReachedAllTheSameIsJoined) {
  run_in_scheduler([] {
    auto task = spawn([] {
      try {
        sleep_for(hours(1));
      } catch (const Canceled&) {
        return 1;
      }
      return 2;
    });
    yield();
    task.cancel();
    EXPECT_EQ(task.join(), 1);
  });
}

TEST(Cancel, LeavesOthersAlone) {
  run_in_scheduler([] {
    auto bystander = spawn([] {
      sleep_for(milliseconds(2));
      return 1;
    });
    auto victim = spawn([] { sleep_for(hours(1)); });
    yield();
    victim.cancel();
    EXPECT_THROW(victim.join(), Canceled);
    EXPECT_EQ(bystander.join(), 1);
  });
}

TEST(Cancel, OfItselfEndsItsNextWait) {
  run_in_scheduler([] {
    std::optional<Task<void>> task;
    bool went_on = false;
    task.emplace(spawn([&] {
      task->cancel();
      sleep_for(hours(1));
      went_on = true;
    }));
    EXPECT_THROW(task->join(), Canceled);
    EXPECT_FALSE(went_on);
  });
}

}  // namespace
}  // namespace colibri
