// Exceptions that leave a coroutine's function.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using test::run_in_scheduler;
using test::stderr_of;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(EscapedException, EndsThatCoroutineOnly) {
  stderr_of([] {
    run_in_scheduler([] {
      int others = 0;
      go([&] { ++others; });
      go([] { throw std::runtime_error("boom"); });
      go([&] { ++others; });
      yield();
      yield();
      EXPECT_EQ(others, 2);
    });
  });
}

TEST(EscapedException, IsLoggedWithNameAndSpawnSite) {
  std::uint32_t line = 0;
  const std::string text = stderr_of([&] {
    run_in_scheduler([&] {
      line = __LINE__ + 1;
      go(SpawnOptions{.name = "session"}, [] { throw std::runtime_error("boom"); });
      yield();
    });
  });
  EXPECT_THAT(text, HasSubstr("'session'"));
  EXPECT_THAT(text, HasSubstr("escaped_exception_test.cc:" + std::to_string(line)));
  EXPECT_THAT(text, HasSubstr("ended by an exception: boom"));
}

TEST(EscapedException, OfNoStandardKindIsLoggedAsSuch) {
  std::uint32_t line = 0;
  const std::string text = stderr_of([&] {
    run_in_scheduler([&] {
      line = __LINE__ + 1;
      go([] { throw 42; });
      yield();
    });
  });
  EXPECT_THAT(text, HasSubstr("escaped_exception_test.cc:" + std::to_string(line)));
  EXPECT_THAT(text, HasSubstr("not derived from std::exception"));
}

TEST(EscapedException, UnwindsWhatTheCoroutineHeld) {
  struct Counter {
    int& destroyed;
    ~Counter() { ++destroyed; }
  };
  stderr_of([] {
    run_in_scheduler([] {
      int destroyed = 0;
      go([&] {
        const Counter local{destroyed};
        throw std::runtime_error("boom");
      });
      yield();
      EXPECT_EQ(destroyed, 1);
    });
  });
}

TEST(EscapedException, OfATaskIsNotLoggedButJoined) {
  const std::string text = stderr_of([] {
    run_in_scheduler([] {
      auto task = spawn([] { throw std::runtime_error("boom"); });
      EXPECT_THROW(task.join(), std::runtime_error);
    });
  });
  EXPECT_THAT(text, IsEmpty());
}

TEST(EscapedException, OfATaskThatNobodyJoinsIsDropped) {
  const std::string text = stderr_of([] {
    run_in_scheduler([] {
      const auto task = spawn([] { throw std::runtime_error("boom"); });
      yield();
    });
  });
  EXPECT_THAT(text, IsEmpty());
}

TEST(EscapedException, CancellationIsNotLogged) {
  const std::string text =
      stderr_of([] { run_in_scheduler([] { go([] { sleep_for(hours(1)); }); }); });
  EXPECT_THAT(text, Not(HasSubstr("exception")));
}

TEST(EscapedException, OfMainIsThrownByRun) {
  const std::string text = stderr_of([] {
    EXPECT_THROW(run_in_scheduler([] {
                   yield();
                   throw std::out_of_range("main's own");
                 }),
                 std::out_of_range);
  });
  EXPECT_THAT(text, IsEmpty());
}

}  // namespace
}  // namespace colibri
