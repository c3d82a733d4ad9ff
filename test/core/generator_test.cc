#include "colibri/core/generator.h"

#include <gtest/gtest.h>

#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

static_assert(std::input_iterator<Generator<int>::Iterator>);
static_assert(std::movable<Generator<std::string, int>>);

Generator<int> count(int from, int to) {
  return Generator<int>([=](Yield<int, void>& yield) {
    for (int i = from; i < to; ++i) yield(i);
  });
}

template <class Range>
std::vector<int> all_of(Range&& range) {
  std::vector<int> values;
  for (int value : range) values.push_back(value);
  return values;
}

using Numbers = std::vector<int>;

class GeneratorTest : public testing::Test {
  test::StackLeakCheck leaks_;
};

TEST_F(GeneratorTest, IsARange) {
  EXPECT_EQ(all_of(count(1, 4)), (Numbers{1, 2, 3}));
  EXPECT_EQ(all_of(count(1, 1)), Numbers());
}

TEST_F(GeneratorTest, BeginsWhenTheFirstValueIsAskedFor) {
  bool begun = false;
  Generator<int> generator([&](auto& yield) {
    begun = true;
    yield(1);
  });
  EXPECT_FALSE(begun);
  EXPECT_TRUE(generator.next());
  EXPECT_EQ(generator.value(), 1);
  EXPECT_FALSE(generator.next());
  EXPECT_FALSE(generator.next());
  EXPECT_TRUE(generator.done());
}

TEST_F(GeneratorTest, YieldsWhatCanOnlyBeMoved) {
  Generator<std::unique_ptr<int>> generator([](auto& yield) { yield(std::make_unique<int>(3)); });
  for (auto& pointer : generator) EXPECT_EQ(*pointer, 3);
}

Generator<double, double> averager() {
  return Generator<double, double>([](Yield<double, double>& yield) {
    double sum = 0;
    for (int n = 1;; ++n) {
      sum += yield(n == 1 ? 0.0 : sum / (n - 1));
    }
  });
}

TEST_F(GeneratorTest, SendAnswersTheYield) {
  Generator<double, double> average = averager();
  EXPECT_EQ(average.send(10), 10.0);
  EXPECT_EQ(average.send(20), 15.0);
  EXPECT_EQ(average.send(30), 20.0);
}

TEST_F(GeneratorTest, SendToOneThatEndsAnswersNothing) {
  Generator<int, int> generator([](auto& yield) { yield(1); });
  EXPECT_EQ(generator.send(1), std::nullopt);
  EXPECT_EQ(generator.send(1), std::nullopt);
}

TEST_F(GeneratorTest, AnExceptionOfTheBodyComesOutOfTheCallThatRanIt) {
  Generator<int> generator([](auto& yield) {
    yield(1);
    throw std::runtime_error("body");
  });
  EXPECT_TRUE(generator.next());
  EXPECT_THROW(generator.next(), std::runtime_error);
  EXPECT_TRUE(generator.done());
  EXPECT_FALSE(generator.next());
}

TEST_F(GeneratorTest, AnExceptionCanBeThrownIntoIt) {
  Generator<int> generator([](auto& yield) {
    for (int i = 0;; ++i) {
      try {
        yield(i);
      } catch (const std::runtime_error&) {
        i = 100;
      }
    }
  });
  EXPECT_TRUE(generator.next());
  EXPECT_EQ(generator.throw_into(std::runtime_error("again")), 101);
  EXPECT_THROW(generator.throw_into(std::logic_error("passes")), std::logic_error);
  EXPECT_TRUE(generator.done());
  EXPECT_THROW(generator.throw_into(std::logic_error("too late")), std::logic_error);
  Generator<int> fresh = count(0, 3);
  EXPECT_THROW(fresh.throw_into(std::logic_error("before it began")), std::logic_error);
  EXPECT_FALSE(fresh.next());
}

TEST_F(GeneratorTest, CloseUnwindsTheBody) {
  bool unwound = false;
  const auto body = [&](auto& yield) {
    struct Guard {
      bool& unwound;
      ~Guard() { unwound = true; }
    } guard{unwound};
    yield(1);
    yield(2);
  };
  Generator<int> closed(body);
  closed.next();
  closed.close();
  EXPECT_TRUE(unwound);
  EXPECT_FALSE(closed.next());
  unwound = false;
  {
    Generator<int> destroyed(body);
    destroyed.next();
  }
  EXPECT_TRUE(unwound);
}

TEST_F(GeneratorTest, FromYieldsAllOfAnother) {
  Generator<int> generator([](auto& yield) {
    yield(0);
    yield.from(count(1, 3));
    yield.from(count(7, 7));
    yield(3);
  });
  EXPECT_EQ(all_of(generator), (Numbers{0, 1, 2, 3}));
}

TEST_F(GeneratorTest, FromGoesOnWithOneThatHasBegunAndDelegated) {
  Generator<int> middle([](auto& yield) {
    yield(0);
    yield.from(count(1, 4));
    yield(4);
  });
  EXPECT_TRUE(middle.next());
  EXPECT_TRUE(middle.next());
  EXPECT_EQ(middle.value(), 1);
  Generator<int> outer([&](auto& yield) {
    yield.from(std::move(middle));
    yield(5);
  });
  EXPECT_EQ(all_of(outer), (Numbers{2, 3, 4, 5}));
}

TEST_F(GeneratorTest, AnswersAndExceptionsReachTheInnermost) {
  const auto echo = [] {
    return Generator<std::string, std::string>([](auto& yield) {
      std::string heard;
      try {
        for (;;) heard = yield("echo " + heard);
      } catch (const std::runtime_error&) {
        yield("caught");
      }
      throw std::logic_error("inner");
    });
  };
  Generator<std::string, std::string> outer([&](auto& yield) {
    try {
      yield.from(echo());
    } catch (const std::logic_error& error) {
      yield(std::string("outer caught ") + error.what());
    }
  });
  EXPECT_EQ(outer.send("hello"), "echo hello");
  EXPECT_EQ(outer.throw_into(std::runtime_error("")), "caught");
  EXPECT_EQ(outer.send(""), "outer caught inner");
  EXPECT_EQ(outer.send(""), std::nullopt);
}

TEST_F(GeneratorTest, DestroyedInTheMidstOfAChainItUnwindsFromWithin) {
  std::string log;
  struct Guard {
    std::string& log;
    char name;
    ~Guard() { log += name; }
  };
  {
    const auto inner = [&] {
      return Generator<int>([&](auto& yield) {
        const Guard guard{log, 'i'};
        yield(1);
      });
    };
    const auto middle = [&] {
      return Generator<int>([&](auto& yield) {
        const Guard guard{log, 'm'};
        yield.from(inner());
      });
    };
    Generator<int> outer([&](auto& yield) {
      const Guard guard{log, 'o'};
      yield.from(middle());
    });
    EXPECT_TRUE(outer.next());
  }
  EXPECT_EQ(log, "imo");
}

/// A tree walk in which each node is a generator of its own.
Generator<int> walk(int depth) {
  return Generator<int>([depth](auto& yield) {
    if (depth == 0) return;
    yield.from(walk(depth - 1));
    yield(depth);
    yield.from(walk(depth - 1));
  });
}

/// The same by plain recursion within one generator.
void walk_plainly(int depth, Yield<int, void>& yield) {
  if (depth == 0) return;
  walk_plainly(depth - 1, yield);
  yield(depth);
  walk_plainly(depth - 1, yield);
}

TEST_F(GeneratorTest, WalksATreeBothWays) {
  const Numbers nested = all_of(walk(8));
  EXPECT_EQ(nested.size(), 255U);
  EXPECT_EQ(nested, all_of(Generator<int>([](auto& yield) { walk_plainly(8, yield); })));
}

TEST_F(GeneratorTest, InACoroutineItsBodyMayPark) {
  test::run_in_scheduler([] {
    Generator<int> slow([](auto& yield) {
      for (int i = 0; i < 3; ++i) {
        sleep_for(std::chrono::milliseconds(1));
        yield(i);
      }
    });
    bool other_ran = false;
    go([&] { other_ran = true; });
    EXPECT_EQ(all_of(slow), (Numbers{0, 1, 2}));
    EXPECT_TRUE(other_ran);
  });
}

TEST(GeneratorDeathTest, MissingAnswersAndStrangeYieldsAreRefused) {
  const auto unanswered = [] {
    Generator<int, int> generator([](auto& yield) { yield(yield(1)); });
    generator.next();
    generator.next();
  };
  EXPECT_DEATH(unanswered(), "a generator that expects answers was asked for a value without one");
  const auto strange = [] {
    Generator<int> generator([](auto& yield) {
      Coroutine other([&] { yield(1); });
      other.resume();
    });
    generator.next();
  };
  EXPECT_DEATH(strange(), "a generator's yield was called by another coroutine than its body");
  const auto reentered = [] {
    Generator<int>* self = nullptr;
    Generator<int> generator([&](auto&) { self->next(); });
    self = &generator;
    generator.next();
  };
  EXPECT_DEATH(reentered(), "cannot resume a coroutine that is running already");
}

}  // namespace
}  // namespace colibri
