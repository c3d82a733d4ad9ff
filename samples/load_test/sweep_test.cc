#include "samples/load_test/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <stdexcept>

namespace load_test {
namespace {

/// A server that keeps up with so many messages a second, and answers no more than that.
std::function<SweepOutcome(double)> server_of(double capacity) {
  return [capacity](double rate) {
    return SweepOutcome{.answered = std::min(1.0, capacity / rate),
                        .p99 = rate < capacity ? 100.0 : 500'000.0};
  };
}

TEST(SweepTest, FindsTheKneeBetweenTwoRates) {
  const SweepResult result = sweep(parse_sweep("1000-128000:8"), server_of(20'000));
  ASSERT_TRUE(result.knee && result.first_lost);
  EXPECT_LE(*result.knee, 20'000);
  EXPECT_GE(*result.first_lost, 20'000);
  // A step of two, halved thrice.
  EXPECT_LT(*result.first_lost / *result.knee, 1.1);
  EXPECT_EQ(result.steps.size(), 6U + 3U);
}

TEST(SweepTest, StopsAtTheFirstRateThatIsTooMuch) {
  double highest = 0;
  const auto server = server_of(3'000);
  sweep(parse_sweep("1000-1000000:11"), [&](double rate) {
    highest = std::max(highest, rate);
    return server(rate);
  });
  EXPECT_LT(highest, 4'000);
}

TEST(SweepTest, SaysWhenTheKneeLiesOutside) {
  const SweepResult above = sweep(parse_sweep("10-100:3"), server_of(1e6));
  EXPECT_NEAR(above.knee.value_or(0), 100, 1e-6);
  EXPECT_FALSE(above.first_lost.has_value());
  EXPECT_EQ(above.steps.size(), 3U);
  EXPECT_NE(as_text(above).find("even 100/s are kept up with"), std::string::npos);

  const SweepResult below = sweep(parse_sweep("10-100:3"), server_of(5));
  EXPECT_FALSE(below.knee.has_value());
  EXPECT_EQ(below.first_lost, 10);
  EXPECT_EQ(below.steps.size(), 1U);
  EXPECT_NE(as_text(below).find("not even 10/s"), std::string::npos);
}

TEST(SweepTest, SlownessIsMeasuredByTheFirstStep) {
  auto slower_and_slower = [](double rate) { return SweepOutcome{.answered = 1, .p99 = rate * 2}; };
  const SweepResult result = sweep(parse_sweep("1000-64000:7"), slower_and_slower);
  EXPECT_EQ(result.p99_limit, 20'000);
  EXPECT_LE(result.knee.value_or(0), 10'000);
  EXPECT_GT(result.first_lost.value_or(0), 10'000);
}

TEST(SweepTest, WhatIsFastAnywayMayBecomeSlower) {
  auto jump = [](double rate) {
    return SweepOutcome{.answered = 1, .p99 = rate < 50 ? 10.0 : 900.0};
  };
  EXPECT_FALSE(sweep(parse_sweep("10-100:3"), jump).first_lost.has_value());
}

TEST(SweepTest, ErrorsAreALoss) {
  auto failing = [](double rate) {
    return SweepOutcome{.answered = 1, .p99 = 10, .errors = rate > 20 ? 1U : 0U};
  };
  EXPECT_TRUE(sweep(parse_sweep("10-100:3"), failing).first_lost.has_value());
}

TEST(SweepTest, ADoubtAboutTheTesterIsSaid) {
  auto doubtful = [](double rate) {
    return SweepOutcome{.answered = rate > 20 ? 0.5 : 1.0, .p99 = 10, .doubtful = true};
  };
  const std::string text = as_text(sweep(parse_sweep("10-100:3"), doubtful));
  EXPECT_NE(text.find("the tester itself may have been the limit"), std::string::npos);
}

TEST(SweepTest, RefusesWhatIsNoPlan) {
  for (const char* text : {"", "5", "5-", "5-4", "5-5", "0-5", "-5-6", "5-6:", "5-6:1", "5-6:101",
                           "5-6:3x", "nan-5", "5-1e9", "a-b"}) {
    EXPECT_THROW(parse_sweep(text), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace load_test
