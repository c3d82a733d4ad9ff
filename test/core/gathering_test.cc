// What brings coroutines together: Event, WaitGroup, Latch, Barrier, Once.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "colibri/core/barrier.h"
#include "colibri/core/event.h"
#include "colibri/core/latch.h"
#include "colibri/core/once.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/wait_group.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

/// Calls `wait` in a coroutine that is cancelled, and under a TimeLimit.
template <class Wait>
void expect_that_it_ends(Wait wait) {
  auto task = spawn([&] { wait(); });
  yield();
  EXPECT_FALSE(task.done());
  task.cancel();
  EXPECT_THROW(task.join(), Canceled);
  const TimeLimit limit(milliseconds(1));
  EXPECT_THROW(wait(), std::system_error);
}

TEST(Event, LetsEverybodyGoOnceItIsSet) {
  run_in_scheduler([] {
    const Event event;
    int gone = 0;
    for (int i = 0; i < 3; ++i) {
      go([&gone, event] {
        event.wait();
        ++gone;
      });
    }
    yield();
    EXPECT_EQ(gone, 0);
    event.set();
    yield();
    EXPECT_EQ(gone, 3);
    EXPECT_TRUE(event.is_set());
    event.wait();
    event.reset();
    EXPECT_FALSE(event.wait_for(milliseconds(1)));
    expect_that_it_ends([&] { event.wait(); });
  });
}

TEST(WaitGroup, WaitsForAllThatWasAnnounced) {
  run_in_scheduler([] {
    const WaitGroup group;
    group.wait();
    int done = 0;
    group.add(3);
    for (int i = 0; i < 3; ++i) {
      go([&done, group] {
        yield();
        ++done;
        group.done();
      });
    }
    group.wait();
    EXPECT_EQ(done, 3);
    group.add();
    EXPECT_FALSE(group.wait_until(Deadline::at_nanoseconds(0)));
    expect_that_it_ends([&] { group.wait(); });
    group.done();
  });
}

TEST(WaitGroupDeathTest, MoreDoneThanAddedIsRefused) {
  const WaitGroup group;
  EXPECT_DEATH(group.done(), "WaitGroup::done called more often than add announced");
}

TEST(Latch, OpensAtZero) {
  run_in_scheduler([] {
    Latch latch(2);
    auto first = spawn([&] { latch.arrive_and_wait(); });
    yield();
    EXPECT_FALSE(first.done());
    EXPECT_FALSE(latch.try_wait());
    expect_that_it_ends([&] { latch.wait(); });
    latch.count_down();
    EXPECT_TRUE(latch.try_wait());
    latch.wait();
    first.join();
  });
}

TEST(LatchDeathTest, CountingBelowZeroIsRefused) {
  Latch latch(1);
  EXPECT_DEATH(latch.count_down(2), "Latch::count_down called for more than were expected");
}

TEST(Barrier, GoesPhaseByPhase) {
  run_in_scheduler([] {
    std::string trace;
    Barrier barrier(2, [&] { trace += '|'; });
    const auto walk = [&](char who) {
      for (int phase = 0; phase < 3; ++phase) {
        trace += who;
        barrier.arrive_and_wait();
      }
    };
    auto first = spawn(walk, 'a');
    auto second = spawn(walk, 'b');
    first.join();
    second.join();
    EXPECT_EQ(trace, "ab|ba|ab|");
  });
}

TEST(Barrier, DoesNotWaitForWhoHasDroppedOut) {
  run_in_scheduler([] {
    Barrier barrier(2);
    auto quitter = spawn([&] { barrier.arrive_and_drop(); });
    barrier.arrive_and_wait();
    quitter.join();
    barrier.arrive_and_wait();
    barrier.arrive_and_wait();
  });
}

TEST(Barrier, ArrivingAndWaitingCanBeTwoSteps) {
  run_in_scheduler([] {
    Barrier barrier(2);
    const auto arrival = barrier.arrive();
    expect_that_it_ends([&] { barrier.wait(arrival); });
    static_cast<void>(barrier.arrive());
    barrier.wait(arrival);
  });
}

TEST(BarrierDeathTest, MoreThanAreExpectedAreRefused) {
  Barrier barrier(1);
  EXPECT_DEATH(static_cast<void>(barrier.arrive(2)), "Barrier::arrive called by more than are");
}

TEST(Once, CallsOnceAndLetsOthersWaitForTheEnd) {
  run_in_scheduler([] {
    Once once;
    int calls = 0;
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 3; ++i) {
      tasks.push_back(spawn([&] {
        once.call([&] {
          yield();
          ++calls;
        });
        return calls;
      }));
    }
    for (auto& task : tasks) EXPECT_EQ(task.join(), 1);
  });
}

TEST(Once, AfterAnExceptionTheNextTriesAgain) {
  run_in_scheduler([] {
    Once once;
    bool called = false;
    auto first = spawn([&] {
      once.call([] {
        yield();
        throw std::runtime_error("not yet");
      });
    });
    auto second = spawn([&] { once.call([&](bool value) { called = value; }, true); });
    EXPECT_THROW(first.join(), std::runtime_error);
    second.join();
    EXPECT_TRUE(called);
  });
}

TEST(OnceDeathTest, CallingItFromWithinIsRefused) {
  Once once;
  EXPECT_DEATH(once.call([&] { once.call([] {}); }), "Once::call called by the function that it");
}

}  // namespace
}  // namespace colibri
