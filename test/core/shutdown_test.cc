// What happens to those who still run when main has ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_and_abandon;
using test::run_in_scheduler;
using test::stderr_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

/// Counts how many of its kind are alive.
class Guest {
 public:
  explicit Guest(int& present) : present_(present) { ++present_; }
  ~Guest() { --present_; }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

 private:
  int& present_;
};

TEST(Shutdown, UnwindsEverybodyWhoWaits) {
  int present = 0;
  const std::string text = stderr_of([&] {
    run_in_scheduler([&] {
      for (int i = 0; i < 100; ++i) {
        go([&] {
          const Guest guest(present);
          sleep_for(hours(1));
        });
        go([&] {
          const Guest guest(present);
          Parker parker;
          parker.park();
        });
        go([&] {
          const Guest guest(present);
          for (;;) yield();
        });
      }
      yield();
      EXPECT_EQ(present, 300);
    });
  });
  EXPECT_EQ(present, 0);
  EXPECT_THAT(text, IsEmpty()) << "a cancelled coroutine is nothing to log";
}

TEST(Shutdown, OfManyCoroutinesLeavesNothingBehind) {
  int present = 0;
  run_in_scheduler([&] {
    for (std::size_t i = 0; i < test::many_coroutines(); ++i) {
      go([&] {
        const Guest guest(present);
        sleep_for(hours(1));
      });
    }
    yield();
  });
  EXPECT_EQ(present, 0);
}

TEST(Shutdown, ReachesThoseWhoNeverRan) {
  int present = 0;
  bool came_further = false;
  run_in_scheduler([&] {
    go([&] {
      const Guest guest(present);
      sleep_for(hours(1));
      came_further = true;
    });
  });
  EXPECT_EQ(present, 0);
  EXPECT_FALSE(came_further);
}

TEST(Shutdown, AlsoFollowsAnExceptionOfMain) {
  int present = 0;
  EXPECT_THROW(run_in_scheduler([&] {
                 go([&] {
                   const Guest guest(present);
                   sleep_for(hours(1));
                 });
                 yield();
                 throw std::runtime_error("main");
               }),
               std::runtime_error);
  EXPECT_EQ(present, 0);
}

TEST(Shutdown, WaitsForThoseWhoCleanUp) {
  bool cleaned_up = false;
  run_in_scheduler([&] {
    go([&] {
      try {
        sleep_for(hours(1));
      } catch (const Canceled&) {
        // Joins are still possible for those who own something.
        const auto helper = spawn([&] { cleaned_up = true; });
        throw;
      }
    });
    yield();
  });
  EXPECT_TRUE(cleaned_up);
}

TEST(Shutdown, WhoIsSpawnedMeanwhileIsCancelledFromTheStart) {
  bool began = false;
  bool went_on = false;
  run_in_scheduler([&] {
    go([&] {
      try {
        sleep_for(hours(1));
      } catch (const Canceled&) {
        go([&] {
          began = true;
          sleep_for(hours(1));
          went_on = true;
        });
      }
    });
    yield();
  });
  EXPECT_TRUE(began);
  EXPECT_FALSE(went_on);
}

void ignore_cancellation_asleep() {
  for (;;) {
    try {
      sleep_for(milliseconds(1));
    } catch (const Canceled&) {
    }
  }
}

TEST(Shutdown, WhoCatchesAndSleepsAgainIsAbandonedAndNamed) {
  std::uint32_t line = 0;
  const std::string text = stderr_of([&] {
    run_and_abandon(1, [&] {
      line = __LINE__ + 1;
      go(SpawnOptions{.name = "stubborn"}, ignore_cancellation_asleep);
      yield();
    });
  });
  EXPECT_THAT(text,
              AllOf(HasSubstr("'stubborn'"), HasSubstr("shutdown_test.cc:" + std::to_string(line)),
                    HasSubstr("did not end after it was cancelled"),
                    HasSubstr("it is abandoned. Its stack:\n  #0 "),
                    HasSubstr("ignore_cancellation_asleep"), HasSubstr("colibri_context_entry")));
}

TEST(Shutdown, WhoSwallowsAndYieldsIsAbandonedToo) {
  const std::string text = stderr_of([&] {
    run_and_abandon(1, [&] {
      go(SpawnOptions{.name = "spinner"}, [] {
        for (;;) {
          try {
            yield();
          } catch (...) {
          }
        }
      });
      yield();
    });
  });
  EXPECT_THAT(text, HasSubstr("'spinner'"));
}

TEST(Shutdown, WhoWaitsWhereCancellationDoesNotReachIsAbandonedAndSaysForWhat) {
  const std::string text = stderr_of([&] {
    run_and_abandon(1, [&] {
      go(SpawnOptions{.name = "waiter"},
         [] { Scheduler::current("test").park({.kind = WaitKind::kSleep, .may_fail = false}); });
      yield();
    });
  });
  EXPECT_THAT(text, AllOf(HasSubstr("'waiter'"), HasSubstr("(it sleeps)")));
}

TEST(Shutdown, EachOfSeveralIsNamedAndTheOthersEndWell) {
  int present = 0;
  const std::string text = stderr_of([&] {
    run_and_abandon(2, [&] {
      go(SpawnOptions{.name = "first"}, ignore_cancellation_asleep);
      go([&] {
        const Guest guest(present);
        sleep_for(hours(1));
      });
      go(SpawnOptions{.name = "second"}, ignore_cancellation_asleep);
      yield();
    });
  });
  EXPECT_EQ(present, 0);
  EXPECT_THAT(text, AllOf(HasSubstr("'first'"), HasSubstr("'second'")));
}

/// Ignores cancellation two resumes below the coroutine that is cancelled.
void ignore_cancellation_in_a_nested_coroutine() {
  Coroutine outer(
      [] {
        Coroutine inner(ignore_cancellation_asleep, {.name = "inner"});
        inner.resume();
      },
      {.name = "outer"});
  outer.resume();
}

TEST(Shutdown, WhoIgnoresItInANestedCoroutineIsNamedWithAllStacks) {
  const std::string text = stderr_of([&] {
    run_and_abandon(3, [&] {
      go(SpawnOptions{.name = "root"}, ignore_cancellation_in_a_nested_coroutine);
      yield();
    });
  });
  // Innermost first, each with the frames of its own stack.
  const std::size_t root = text.find("'root'");
  const std::size_t inner = text.find("Inside coroutine ", root);
  const std::size_t outer = text.find("Inside coroutine ", inner + 1);
  const std::size_t own = text.find("Its stack:\n", outer);
  ASSERT_NE(own, std::string::npos) << text;
  EXPECT_THAT(text.substr(root, inner - root), HasSubstr("it is abandoned."));
  EXPECT_THAT(text.substr(inner, outer - inner),
              AllOf(HasSubstr("'inner'"), HasSubstr("ignore_cancellation_asleep")));
  EXPECT_THAT(text.substr(outer, own - outer),
              AllOf(HasSubstr("'outer'"), HasSubstr("ignore_cancellation_in_a_nested_coroutine")));
  EXPECT_THAT(text.substr(own), HasSubstr("ignore_cancellation_in_a_nested_coroutine"));
}

TEST(Shutdown, ANestedCoroutineWhoseResumersWereAbandonedMayBeDestroyedByItsOwner) {
  const std::string text = stderr_of([&] {
    std::optional<Coroutine> inner;
    std::optional<Coroutine> outer;
    inner.emplace([] {
      // Longer than the grace, but near: its timer is the next that would fire.
      const Deadline deadline = Deadline::after(milliseconds(100));
      Scheduler::current("test").park({.deadline = deadline, .may_fail = false});
    });
    outer.emplace([&] { inner->resume(); });
    run_and_abandon(1, [&] {
      go([&] { outer->resume(); });
      yield();
    });
    EXPECT_TRUE(outer->done());
    EXPECT_TRUE(inner->done());
    // In another run, whose timers have nothing to do with those of the first.
    run([&] {
      auto sleeper = spawn([] { sleep_for(milliseconds(1)); });
      yield();
      inner.reset();
      outer.reset();
      sleeper.join();
    });
  });
  EXPECT_THAT(text, HasSubstr("Inside coroutine "));
}

TEST(Shutdown, AnAbandonedJoinerTakesNothingFromTheNextRun) {
  stderr_of([&] {
    auto waiting = std::make_shared<TaskStateBase>();
    ControlBlock never_ends;
    never_ends.state = CoroutineState::kParked;
    waiting->coroutine = &never_ends;
    run_and_abandon(1, [&] {
      go([waiting] { waiting->wait(Deadline::never(), false); });
      yield();
      EXPECT_FALSE(waiting->joiners.empty());
    });
    EXPECT_TRUE(waiting->joiners.empty());
  });
}

TEST(Shutdown, AfterAnAbandonedCoroutineAnotherRunWorks) {
  stderr_of([&] {
    run_and_abandon(4, [&] {
      go(ignore_cancellation_asleep);
      go(ignore_cancellation_in_a_nested_coroutine);
      yield();
    });
  });
  run_in_scheduler([] {
    auto task = spawn([] {
      sleep_for(milliseconds(1));
      return 1;
    });
    EXPECT_EQ(task.join(), 1);
  });
}

TEST(Shutdown, TheTaskOfAnAbandonedCoroutineMayBeDestroyedAfterTheRun) {
  stderr_of([&] {
    Task<void> task;
    run_and_abandon(1, [&] {
      task = spawn(ignore_cancellation_asleep);
      yield();
    });
  });
}

}  // namespace
}  // namespace colibri
