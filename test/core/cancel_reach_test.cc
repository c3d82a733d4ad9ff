// How far a cancellation reaches: into coroutines that were resumed, not into waits that cannot
// fail, and not into the destructors that it runs.
#include <gtest/gtest.h>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/unpark.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(CancelReach, ReachesTheNextWaitInsideACoroutineResumedLater) {
  run_in_scheduler([] {
    auto task = spawn([] {
      Coroutine inner([] { sleep_for(hours(1)); });
      inner.resume();
    });
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
  });
}

TEST(CancelReach, LetsDestructorsYieldWhileItUnwinds) {
  run_in_scheduler([] {
    struct YieldsAtItsEnd {
      bool& ended;
      ~YieldsAtItsEnd() {
        yield();  // throwing here would end the process
        ended = true;
      }
    };
    bool ended = false;
    auto task = spawn([&] {
      const YieldsAtItsEnd guard{ended};
      sleep_for(hours(1));
    });
    yield();
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
    EXPECT_TRUE(ended);
  });
}

TEST(CancelReach, ACancelledCoroutineThatGoesOnWaitingStarvesNobody) {
  run_in_scheduler([] {
    bool stop = false;
    auto spinner = spawn([&] {
      while (!stop) {
        try {
          sleep_for(hours(1));
        } catch (const Canceled&) {
        }
      }
    });
    spinner.cancel();
    sleep_for(milliseconds(2));
    stop = true;
    spinner.join();
  });
}

TEST(CancelReach, ReachesOnlyWaitsThatMayFail) {
  run_in_scheduler([] {
    ControlBlock* waiter = nullptr;
    WakeReason reason = WakeReason::kClosed;
    auto task = spawn([&] {
      waiter = thread_state.current;
      reason = Scheduler::current("test").park({.may_fail = false});
    });
    yield();
    task.cancel();
    yield();
    EXPECT_FALSE(task.done()) << "a lock, say, cannot be left without holding it";
    unpark(*waiter, WakeReason::kFired);
    task.join();
    EXPECT_EQ(reason, WakeReason::kFired);
  });
}

}  // namespace
}  // namespace colibri
