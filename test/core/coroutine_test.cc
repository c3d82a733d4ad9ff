#include "colibri/core/coroutine.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "test/support/leak_check.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using test::LeakCheck;

/// Says when it is destroyed.
class Witness {
 public:
  explicit Witness(int& destroyed) : destroyed_(&destroyed) {}
  Witness(Witness&& other) noexcept : destroyed_(std::exchange(other.destroyed_, nullptr)) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() {
    if (destroyed_ != nullptr) ++*destroyed_;
  }

 private:
  int* destroyed_;
};

class CoroutineTest : public testing::Test {
 private:
  LeakCheck leaks_;
};

TEST_F(CoroutineTest, DoesNotRunBeforeItIsResumed) {
  bool ran = false;
  Coroutine coroutine([&] { ran = true; });
  EXPECT_FALSE(ran);
  EXPECT_EQ(coroutine.state(), CoroutineState::kCreated);
  coroutine.resume();
  EXPECT_TRUE(ran);
  EXPECT_TRUE(coroutine.done());
}

TEST_F(CoroutineTest, ResumeAndYieldTakeTurns) {
  std::string order;
  Coroutine coroutine([&] {
    order += 'b';
    Coroutine::yield();
    order += 'd';
    Coroutine::yield();
    order += 'f';
  });
  order += 'a';
  coroutine.resume();
  EXPECT_EQ(coroutine.state(), CoroutineState::kSuspended);
  order += 'c';
  coroutine.resume();
  EXPECT_FALSE(coroutine.done());
  order += 'e';
  coroutine.resume();
  EXPECT_TRUE(coroutine.done());
  EXPECT_EQ(order, "abcdef");
}

TEST_F(CoroutineTest, HandsOutValuesByWhatItCaptured) {
  int value = 0;
  Coroutine squares([&] {
    for (int i = 1;; ++i) {
      value = i * i;
      Coroutine::yield();
    }
  });
  std::vector<int> seen;
  for (int i = 0; i < 5; ++i) {
    squares.resume();
    seen.push_back(value);
  }
  EXPECT_EQ(seen, (std::vector{1, 4, 9, 16, 25}));
}

TEST_F(CoroutineTest, AnExceptionLeavesByResume) {
  Coroutine coroutine([] {
    Coroutine::yield();
    throw std::runtime_error("broken");
  });
  coroutine.resume();
  try {
    coroutine.resume();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "broken");
  }
  EXPECT_TRUE(coroutine.done());
}

TEST_F(CoroutineTest, DestroyedWhileSuspendedItUnwinds) {
  int destroyed = 0;
  bool went_on = false;
  {
    Coroutine coroutine([&] {
      const Witness outer(destroyed);
      [&] {
        const Witness inner(destroyed);
        Coroutine::yield();
        went_on = true;
      }();
    });
    coroutine.resume();
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, 2);
  EXPECT_FALSE(went_on);
}

TEST_F(CoroutineTest, UnwindingPassesHandlersOfStandardExceptions) {
  bool caught = false;
  {
    Coroutine coroutine([&] {
      try {
        Coroutine::yield();
      } catch (const std::exception&) {
        caught = true;
      }
    });
    coroutine.resume();
  }
  EXPECT_FALSE(caught);
}

TEST_F(CoroutineTest, DestroyedBeforeItRanItFreesItsFunction) {
  int destroyed = 0;
  bool ran = false;
  {
    Coroutine coroutine([witness = Witness(destroyed), &ran] { ran = true; });
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, 1);
  EXPECT_FALSE(ran);
}

TEST_F(CoroutineTest, FreesItsFunctionWhenItEnds) {
  int destroyed = 0;
  Coroutine coroutine([witness = Witness(destroyed)] {});
  coroutine.resume();
  EXPECT_EQ(destroyed, 1);
}

TEST_F(CoroutineTest, MovesWhileItIsSuspended) {
  int steps = 0;
  Coroutine first([&] {
    for (;;) {
      ++steps;
      Coroutine::yield();
    }
  });
  first.resume();
  Coroutine second = std::move(first);
  EXPECT_TRUE(first.done());
  second.resume();
  EXPECT_EQ(steps, 2);
  int destroyed = 0;
  Coroutine third([witness = Witness(destroyed)] { Coroutine::yield(); });
  third.resume();
  third = std::move(second);
  EXPECT_EQ(destroyed, 1) << "what was assigned over has to unwind";
  third.resume();
  EXPECT_EQ(steps, 3);
}

TEST_F(CoroutineTest, OneResumesAnother) {
  std::string order;
  Coroutine inner([&] {
    order += "(i";
    Coroutine::yield();
    order += "i)";
  });
  Coroutine outer([&] {
    order += "[o";
    inner.resume();
    Coroutine::yield();
    inner.resume();
    order += "o]";
  });
  outer.resume();
  EXPECT_EQ(order, "[o(i");
  EXPECT_FALSE(inner.done());
  outer.resume();
  EXPECT_EQ(order, "[o(ii)o]");
  EXPECT_TRUE(inner.done());
}

TEST_F(CoroutineTest, WhoResumesMayChange) {
  int steps = 0;
  Coroutine shared([&] {
    for (;;) {
      ++steps;
      Coroutine::yield();
    }
  });
  Coroutine first([&] { shared.resume(); });
  Coroutine second([&] { shared.resume(); });
  first.resume();
  second.resume();
  shared.resume();
  EXPECT_EQ(steps, 3);
  EXPECT_TRUE(first.done());
  EXPECT_TRUE(second.done());
}

/// A coroutine in a coroutine in a coroutine …
int depth_reached(int depth) {
  if (depth == 0) return 0;
  int below = 0;
  Coroutine coroutine([&] {
    Coroutine::yield();
    below = depth_reached(depth - 1);
  });
  coroutine.resume();
  coroutine.resume();
  return below + 1;
}

TEST_F(CoroutineTest, NestsDeeply) {
  EXPECT_EQ(depth_reached(100), 100);
}

void yield_at_depth(int depth) {
  volatile char frame[64] = {};
  frame[0] = 1;
  if (depth == 0) {
    Coroutine::yield();
  } else {
    yield_at_depth(depth - 1);
  }
  frame[63] = frame[0];
}

TEST_F(CoroutineTest, YieldsFromDeepInACall) {
  Coroutine coroutine([] {
    yield_at_depth(200);
    yield_at_depth(1);
  });
  coroutine.resume();
  coroutine.resume();
  EXPECT_FALSE(coroutine.done());
  coroutine.resume();
  EXPECT_TRUE(coroutine.done());
}

TEST_F(CoroutineTest, AThousandInterleave) {
  const std::size_t count = test::scaled(1'000, 1'000, 500);
  std::vector<std::size_t> order;
  std::vector<Coroutine> coroutines;
  for (std::size_t i = 0; i < count; ++i) {
    coroutines.emplace_back([&order, i, count] {
      for (std::size_t round = 0; round < 3; ++round) {
        order.push_back(round * count + i);
        Coroutine::yield();
      }
    });
  }
  for (int round = 0; round < 4; ++round) {
    for (Coroutine& coroutine : coroutines) coroutine.resume();
  }
  ASSERT_EQ(order.size(), 3 * count);
  for (std::size_t i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i);
  for (Coroutine& coroutine : coroutines) EXPECT_TRUE(coroutine.done());
}

}  // namespace
}  // namespace colibri
