// Symmetric coroutines, and those with values.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/value_coroutine.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

class Transfer : public testing::Test {
  test::StackLeakCheck leaks_;
};

TEST_F(Transfer, PassesControlRoundWithoutTheResumer) {
  std::string log;
  Coroutine* first = nullptr;
  Coroutine* second = nullptr;
  Coroutine a([&] {
    log += "a1 ";
    Coroutine::transfer(*second);
    log += "a2 ";
    Coroutine::transfer(*second);
  });
  Coroutine b([&] {
    log += "b1 ";
    Coroutine::transfer(*first);
    log += "b2 ";
    Coroutine::yield();
    log += "b3 ";
  });
  first = &a;
  second = &b;
  a.resume();
  EXPECT_EQ(log, "a1 b1 a2 b2 ");
  EXPECT_FALSE(a.done());
  EXPECT_FALSE(b.done());
  b.resume();
  EXPECT_EQ(log, "a1 b1 a2 b2 b3 ");
  EXPECT_TRUE(b.done());
  a.resume();
  EXPECT_TRUE(a.done());
}

TEST_F(Transfer, ToItselfDoesNothing) {
  Coroutine* self = nullptr;
  Coroutine coroutine([&] { Coroutine::transfer(*self); });
  self = &coroutine;
  coroutine.resume();
  EXPECT_TRUE(coroutine.done());
}

TEST_F(Transfer, AnErrorReachesTheResumerOfTheFirst) {
  Coroutine thrower([] { throw std::runtime_error("second"); });
  Coroutine first([&] { Coroutine::transfer(thrower); });
  EXPECT_THROW(first.resume(), std::runtime_error);
  EXPECT_TRUE(thrower.done());
  EXPECT_FALSE(first.done());
  first.resume();
  EXPECT_TRUE(first.done());
}

TEST_F(Transfer, OneThatTransferredUnwindsWhenDestroyed) {
  bool unwound = false;
  Coroutine next([] {});
  {
    Coroutine first([&] {
      struct Guard {
        bool& unwound;
        ~Guard() { unwound = true; }
      } guard{unwound};
      Coroutine::transfer(next);
    });
    first.resume();
    EXPECT_FALSE(unwound);
  }
  EXPECT_TRUE(unwound);
}

TEST_F(Transfer, WorksBelowAScheduler) {
  test::run_in_scheduler([] {
    bool slept = false;
    Coroutine sleeper([&] {
      sleep_for(std::chrono::milliseconds(1));
      slept = true;
    });
    Coroutine first([&] { Coroutine::transfer(sleeper); });
    first.resume();
    EXPECT_TRUE(slept);
  });
}

TEST_F(Transfer, IsYieldableWhereSomebodyResumed) {
  EXPECT_FALSE(Coroutine::is_yieldable());
  bool inside = false;
  Coroutine coroutine([&] { inside = Coroutine::is_yieldable() && coroutine.is_current(); });
  coroutine.resume();
  EXPECT_TRUE(inside);
  test::run_in_scheduler([] { EXPECT_FALSE(Coroutine::is_yieldable()); });
}

TEST_F(Transfer, CloseUnwindsAndEnds) {
  bool unwound = false;
  Coroutine coroutine([&] {
    struct Guard {
      bool& unwound;
      ~Guard() { unwound = true; }
    } guard{unwound};
    Coroutine::yield();
  });
  coroutine.resume();
  coroutine.close();
  EXPECT_TRUE(unwound);
  EXPECT_TRUE(coroutine.done());
  coroutine.close();
}

TEST(TransferDeathTest, MisuseIsRefused) {
  const auto outside = [] {
    Coroutine next([] {});
    Coroutine::transfer(next);
  };
  EXPECT_DEATH(outside(), "Coroutine::transfer called outside a coroutine that somebody resumed");
  const auto to_one_that_has_ended = [] {
    Coroutine next([] {});
    next.resume();
    Coroutine first([&] { Coroutine::transfer(next); });
    first.resume();
  };
  EXPECT_DEATH(to_one_that_has_ended(), "cannot resume a coroutine that has ended");
  const auto closed = [] {
    Coroutine next([] {});
    next.close();
    next.resume();
  };
  EXPECT_DEATH(closed(), "a coroutine that was closed or moved from");
}

TEST_F(Transfer, ValuesGoBothWays) {
  ValueCoroutine<std::string, int> speaker([](auto& yield, int first) {
    const int second = yield("got " + std::to_string(first));
    const int third = yield("then " + std::to_string(second));
    return "last " + std::to_string(third);
  });
  EXPECT_EQ(speaker.resume(1), "got 1");
  EXPECT_EQ(speaker(2), "then 2");
  EXPECT_EQ(speaker.state(), CoroutineState::kSuspended);
  EXPECT_EQ(speaker(3), "last 3");
  EXPECT_TRUE(speaker.done());
}

TEST_F(Transfer, ValuesMayBeMoveOnlyAndErrorsPass) {
  using Pointer = std::unique_ptr<int>;
  ValueCoroutine<Pointer, Pointer> doubler([](auto& yield, Pointer value) -> Pointer {
    for (;;) {
      if (*value == 0) throw std::runtime_error("zero");
      value = yield(std::make_unique<int>(2 * *value));
    }
  });
  EXPECT_EQ(*doubler(std::make_unique<int>(4)), 8);
  EXPECT_THROW(doubler(std::make_unique<int>(0)), std::runtime_error);
}

TEST(TransferDeathTest, AYieldWithoutAValueIsRefused) {
  const auto misuse = [] {
    ValueCoroutine<int, int> coroutine([](auto&, int value) {
      Coroutine::yield();
      return value;
    });
    coroutine(1);
  };
  EXPECT_DEATH(misuse(), "a coroutine with values was yielded without one");
}

}  // namespace
}  // namespace colibri
