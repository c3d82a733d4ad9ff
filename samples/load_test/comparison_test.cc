#include "samples/load_test/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

namespace load_test {
namespace {

using Samples = std::vector<double>;

Samples normal(double mean, double deviation, std::size_t number, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> distribution(mean, deviation);
  Samples samples(number);
  for (double& sample : samples) sample = distribution(random);
  return samples;
}

/// Each is most of the one before.
Samples drifting(double mean, std::size_t number, unsigned seed) {
  Samples samples = normal(0, 1, number, seed);
  for (std::size_t i = 1; i < number; ++i) samples[i] += 0.9 * samples[i - 1];
  for (double& sample : samples) sample += mean;
  return samples;
}

std::string result_of(const Samples& rates, const char* what = "64-byte messages") {
  nlohmann::ordered_json json = {{"messages_per_second", 1}, {"what", what}, {"complaint", ""}};
  json["each_second"] = nlohmann::ordered_json::array();
  for (const double rate : rates) {
    json["each_second"].push_back(
        {{"messages", rate}, {"errors", 0}, {"p50_us", 5}, {"p90_us", 6}, {"p99_us", 1e6 / rate}});
  }
  return json.dump();
}

std::string verdict_on(const char* name, const std::string& first, const std::string& second) {
  const auto json = nlohmann::json::parse(as_json(compare_results(first, second)));
  for (const auto& figure : json["figures"]) {
    if (figure["name"] == name) return figure["verdict"];
  }
  return "absent";
}

// Neighbours in these are not alike, so that all samples count. By the definition: the variances of
// the means add up to 0.98629, the degrees of freedom are 27.888, and t is 2.0488 there.
TEST(ComparisonTest, TheIntervalIsWelchs) {
  const Samples first = {16.9, 27.5, 17.0, 23.6, 17.9, 23.1, 19.0, 22.6,
                         19.0, 21.9, 19.6, 21.7, 20.1, 21.4, 21.0};
  const Samples second = {20.2, 30.5, 20.8, 27.1, 21.9, 25.8, 22.0, 24.8,
                          22.0, 24.4, 22.1, 23.5, 22.9, 23.4, 23.4};
  ASSERT_EQ(effective_number(first), 15);
  ASSERT_EQ(effective_number(second), 15);
  const Difference difference = compare_means(first, second);
  EXPECT_NEAR(difference.first_mean, 20.82, 1e-9);
  EXPECT_NEAR(difference.second_mean, 23.6533, 1e-4);
  EXPECT_NEAR(difference.half_width, 2.0347, 1e-3);
  EXPECT_TRUE(difference.is_shown());
}

TEST(ComparisonTest, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  int held = 0;
  constexpr int kTrials = 2000;
  for (unsigned trial = 0; trial < kTrials; ++trial) {
    const Difference difference =
        compare_means(normal(100, 5, 10, 2 * trial), normal(103, 15, 20, 2 * trial + 1));
    if (std::abs(difference.mean() - 3) <= difference.half_width) ++held;
  }
  EXPECT_GE(held, kTrials * 93 / 100);
  EXPECT_LE(held, kTrials * 99 / 100);
}

TEST(ComparisonTest, SecondsThatAreAlikeCountForFewer) {
  const Samples independent = normal(0, 1, 1000, 1);
  const Samples alike = drifting(0, 1000, 1);
  EXPECT_GT(effective_number(independent), 900);
  EXPECT_LT(effective_number(alike), 100);
  EXPECT_GE(effective_number(alike), 2);
  EXPECT_EQ(effective_number(Samples(10, 5.0)), 10);
}

// Without the correction most of these would be sold as gains and losses.
TEST(ComparisonTest, DriftIsRarelyTakenForADifference) {
  int shown = 0;
  constexpr int kTrials = 500;
  for (unsigned trial = 0; trial < kTrials; ++trial) {
    const Difference difference =
        compare_means(drifting(100, 60, 2 * trial), drifting(100, 60, 2 * trial + 1));
    if (difference.is_shown()) ++shown;
  }
  EXPECT_LT(shown, kTrials * 15 / 100);
}

TEST(ComparisonTest, AGainIsSaidAndNoiseIsNot) {
  const std::string base = result_of(normal(1000, 20, 30, 1));
  EXPECT_EQ(verdict_on("messages/s", base, result_of(normal(1100, 20, 30, 2))), "better");
  EXPECT_EQ(verdict_on("p99 us", base, result_of(normal(1100, 20, 30, 2))), "better");
  EXPECT_EQ(verdict_on("messages/s", base, result_of(normal(900, 20, 30, 3))), "worse");
  EXPECT_EQ(verdict_on("p99 us", base, result_of(normal(900, 20, 30, 3))), "worse");
  EXPECT_EQ(verdict_on("messages/s", base, base), "no difference shown");
  EXPECT_EQ(verdict_on("errors/s", base, base), "no difference shown");
}

TEST(ComparisonTest, AFewSecondsShowNothing) {
  const std::string few = result_of({1000, 1000, 1001, 1000});
  EXPECT_EQ(verdict_on("messages/s", few, result_of({2000, 2000, 2001, 2000})),
            "no difference shown");
  const std::string text = as_text(compare_results(few, few));
  EXPECT_NE(text.find("too few seconds to tell anything: 4 of 5"), std::string::npos) << text;
  EXPECT_EQ(verdict_on("messages/s", result_of({}), few), "no difference shown");
}

TEST(ComparisonTest, LoadsThatDifferAreSaid) {
  const Samples rates = normal(1000, 20, 10, 1);
  const std::string text = as_text(compare_results(result_of(rates), result_of(rates, "GET /")));
  EXPECT_NE(text.find("the loads differ: what is"), std::string::npos) << text;
}

TEST(ComparisonTest, RefusesWhatIsNoResult) {
  const std::string good = result_of(normal(1000, 20, 10, 1));
  for (const char* text : {"", "{", "[]", "{}", R"({"each_second": 5, "messages_per_second": 1})",
                           R"({"each_second": [{}], "messages_per_second": 1})",
                           R"({"each_second": [{"messages": "x"}], "messages_per_second": 1})"}) {
    EXPECT_THROW(compare_results(good, text), std::runtime_error) << text;
    EXPECT_THROW(compare_results(text, good), std::runtime_error) << text;
  }
}

}  // namespace
}  // namespace load_test
