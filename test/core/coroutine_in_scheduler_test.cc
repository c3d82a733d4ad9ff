// Coroutines driven by resume, inside colibri::run: their bodies may block.
#include <gtest/gtest.h>

#include <string>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(CoroutineInScheduler, ResumesAndYields) {
  run_in_scheduler([] {
    std::string order;
    Coroutine coroutine([&] {
      order += 'a';
      Coroutine::yield();
      order += 'c';
    });
    coroutine.resume();
    order += 'b';
    coroutine.resume();
    EXPECT_EQ(order, "abc");
  });
}

TEST(CoroutineInScheduler, ASleepInItsBodyParksTheResumerWhileOthersGoOn) {
  run_in_scheduler([] {
    std::string order;
    bool slept = false;
    auto counter = spawn([&] {
      while (!slept) {
        if (order.empty()) order += "other ";
        yield();
      }
    });
    Coroutine sleeper([&] {
      sleep_for(milliseconds(2));
      slept = true;
      order += "sleeper ";
      Coroutine::yield();
      order += "again ";
    });
    sleeper.resume();
    order += "resumer ";
    sleeper.resume();
    counter.join();
    EXPECT_EQ(order, "other sleeper resumer again ");
  });
}

TEST(CoroutineInScheduler, YieldOfTheSchedulerInItsBodyLetsOthersRun) {
  run_in_scheduler([] {
    std::string order;
    go([&] { order += "other "; });
    Coroutine coroutine([&] {
      order += "before ";
      yield();
      order += "after ";
    });
    coroutine.resume();
    EXPECT_EQ(order, "before other after ");
  });
}

TEST(CoroutineInScheduler, TheResumersStateTellsThatItWaits) {
  run_in_scheduler([] {
    Coroutine inner([] { sleep_for(milliseconds(1)); });
    Coroutine outer([&] { inner.resume(); });
    go([&] {
      EXPECT_EQ(outer.state(), CoroutineState::kResuming);
      EXPECT_EQ(inner.state(), CoroutineState::kParked);
    });
    outer.resume();
    EXPECT_TRUE(inner.done());
    EXPECT_TRUE(outer.done());
  });
}

TEST(CoroutineInScheduler, UnwindingMayBlock) {
  run_in_scheduler([] {
    struct SleepyWitness {
      bool& destroyed;
      ~SleepyWitness() {
        sleep_for(milliseconds(1));
        destroyed = true;
      }
    };
    bool destroyed = false;
    bool other_ran = false;
    go([&] { other_ran = true; });
    {
      Coroutine coroutine([&] {
        const SleepyWitness witness{destroyed};
        Coroutine::yield();
      });
      coroutine.resume();
    }
    EXPECT_TRUE(destroyed);
    EXPECT_TRUE(other_ran);
  });
}

TEST(CoroutineInScheduler, TwoResumersTakeTurnsWithOneCoroutine) {
  run_in_scheduler([] {
    int steps = 0;
    Coroutine shared([&] {
      for (;;) {
        ++steps;
        sleep_for(milliseconds(1));
        Coroutine::yield();
      }
    });
    auto first = spawn([&] { shared.resume(); });
    first.join();
    auto second = spawn([&] { shared.resume(); });
    second.join();
    shared.resume();
    EXPECT_EQ(steps, 3);
  });
}

TEST(CoroutineInScheduler, AFinishedTaskJoinedInsideItsBodyGivesItsResult) {
  run_in_scheduler([] {
    int result = 0;
    Coroutine coroutine([&] {
      auto task = spawn([] {
        yield();
        return 7;
      });
      result = task.join();
    });
    coroutine.resume();
    EXPECT_EQ(result, 7);
  });
}

}  // namespace
}  // namespace colibri
