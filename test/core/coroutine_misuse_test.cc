// Every misuse of a Coroutine ends the process with a sentence.
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "colibri/core/coroutine.h"
#include "colibri/core/generator.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri {
namespace {

// Each makes its coroutines in the process that dies: ThreadSanitizer cannot follow those that were
// made before a fork.
TEST(CoroutineMisuseDeathTest, ResumeAfterTheEnd) {
  const auto misuse = [] {
    Coroutine coroutine([] {});
    coroutine.resume();
    coroutine.resume();
  };
  EXPECT_DEATH(misuse(), "cannot resume a coroutine that has ended; ask done\\(\\) first");
}

TEST(CoroutineMisuseDeathTest, ResumeAfterAnException) {
  const auto misuse = [] {
    Coroutine coroutine([] { throw 1; });
    EXPECT_THROW(coroutine.resume(), int);
    coroutine.resume();
  };
  EXPECT_DEATH(misuse(), "cannot resume a coroutine that has ended");
}

TEST(CoroutineMisuseDeathTest, ResumeOfItself) {
  const auto misuse = [] {
    std::optional<Coroutine> coroutine;
    coroutine.emplace([&] { coroutine->resume(); });
    coroutine->resume();
  };
  EXPECT_DEATH(misuse(), "cannot resume a coroutine that is running already");
}

TEST(CoroutineMisuseDeathTest, ResumeOfTheOneThatResumedIt) {
  const auto misuse = [] {
    std::optional<Coroutine> outer;
    Coroutine inner([&] { outer->resume(); });
    outer.emplace([&] { inner.resume(); });
    outer->resume();
  };
  EXPECT_DEATH(misuse(), "cannot resume a coroutine that is running already");
}

TEST(CoroutineMisuseDeathTest, ResumeAfterAMove) {
  const auto misuse = [] {
    Coroutine coroutine([] {});
    const Coroutine other = std::move(coroutine);
    coroutine.resume();
  };
  EXPECT_DEATH(misuse(), "Coroutine::resume called on a coroutine that was closed or moved from");
}

TEST(CoroutineMisuseDeathTest, ResumeOfOneThatSleeps) {
  const auto misuse = [] {
    run([] {
      Coroutine sleeper([] { sleep_for(std::chrono::hours(1)); });
      go([&] { sleeper.resume(); });
      yield();
      sleeper.resume();
    });
  };
  EXPECT_DEATH(misuse(), "cannot resume a coroutine that waits in a blocking call of its own");
}

TEST(CoroutineMisuseDeathTest, ResumeOnAnotherThread) {
  EXPECT_DEATH(
      {
        Coroutine coroutine([] { Coroutine::yield(); });
        coroutine.resume();
        std::thread([&] { coroutine.resume(); }).join();
      },
      "cannot resume a coroutine on another thread than the one that made it");
  EXPECT_DEATH(
      {
        Generator<int> numbers([](auto& yield) { yield(1); });
        std::thread([&] { numbers.begin(); }).join();
      },
      "cannot resume a coroutine on another thread than the one that made it");
}

TEST(CoroutineMisuseDeathTest, DestroyedOnAnotherThread) {
  EXPECT_DEATH(
      {
        Coroutine coroutine([] { Coroutine::yield(); });
        coroutine.resume();
        std::thread([gone = std::move(coroutine)] {}).join();
      },
      "a Coroutine was destroyed on another thread than the one that made it");
}

TEST(CoroutineMisuseDeathTest, YieldOutsideACoroutine) {
  EXPECT_DEATH(Coroutine::yield(), "Coroutine::yield called outside a coroutine");
}

TEST(CoroutineMisuseDeathTest, YieldWhereNobodyResumed) {
  EXPECT_DEATH(run([] { Coroutine::yield(); }),
               "Coroutine::yield called in a coroutine that nobody resumed; colibri::yield\\(\\) "
               "lets others run");
}

TEST(CoroutineMisuseDeathTest, DestroyedWhileItRuns) {
  const auto misuse = [] {
    std::optional<Coroutine> coroutine;
    coroutine.emplace([&] { coroutine.reset(); });
    coroutine->resume();
  };
  EXPECT_DEATH(misuse(), "a Coroutine was destroyed while it runs or waits");
}

TEST(CoroutineMisuseDeathTest, DestroyedWhileItSleeps) {
  const auto misuse = [] {
    run([] {
      std::optional<Coroutine> sleeper;
      sleeper.emplace([] { sleep_for(std::chrono::hours(1)); });
      go([&] { sleeper->resume(); });
      yield();
      sleeper.reset();
    });
  };
  EXPECT_DEATH(misuse(), "a Coroutine was destroyed while it runs or waits");
}

TEST(CoroutineMisuseDeathTest, YieldWhileItIsBeingDestroyed) {
  const auto misuse = [] {
    Coroutine coroutine([] {
      try {
        Coroutine::yield();
      } catch (...) {
        Coroutine::yield();
      }
    });
    coroutine.resume();
  };
  EXPECT_DEATH(misuse(),
               "a coroutine that is being destroyed yielded again; do not yield in "
               "destructors or in catch \\(...\\) blocks that swallow");
}

}  // namespace
}  // namespace colibri
