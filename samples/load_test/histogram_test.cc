#include "samples/load_test/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <vector>

namespace load_test {
namespace {

constexpr std::int64_t kLargestExact = std::int64_t{1} << Histogram::kLargestBits;

std::unique_ptr<Histogram> histogram_of(const std::vector<std::int64_t>& values) {
  auto histogram = std::make_unique<Histogram>();
  for (std::int64_t value : values) histogram->record(value);
  return histogram;
}

std::vector<std::int64_t> one_to(std::int64_t last) {
  std::vector<std::int64_t> values;
  for (std::int64_t value = 1; value <= last; ++value) values.push_back(value);
  return values;
}

TEST(HistogramTest, KnowsNothingAtFirst) {
  const auto histogram = histogram_of({});
  EXPECT_EQ(histogram->count(), 0U);
  EXPECT_EQ(histogram->min(), 0);
  EXPECT_EQ(histogram->max(), 0);
  EXPECT_EQ(histogram->mean(), 0);
  EXPECT_EQ(histogram->percentile(99), 0);
}

TEST(HistogramTest, IsExactForSmallValues) {
  const auto histogram = histogram_of(one_to(200));
  EXPECT_EQ(histogram->percentile(0), 1);
  EXPECT_EQ(histogram->percentile(50), 100);
  EXPECT_EQ(histogram->percentile(99.5), 199);
  EXPECT_EQ(histogram->percentile(100), 200);
  EXPECT_EQ(histogram->mean(), 100.5);
}

TEST(HistogramTest, NamesAValueThatTheShareDoesNotExceed) {
  const auto histogram = histogram_of(one_to(1000));
  EXPECT_EQ(histogram->percentile(99.9), 999);  // and not 1000, whatever 99.9 is in binary
  EXPECT_EQ(histogram->percentile(99.91), 1000);
  EXPECT_EQ(histogram->percentile(0.1), 1);
}

TEST(HistogramTest, IsAtMostOnePartIn128TooHighAndNeverTooLow) {
  std::vector<std::int64_t> values;
  for (std::int64_t power = 1; power < kLargestExact; power *= 2) {
    values.insert(values.end(), {power - 1, power, power + 1, power + power / 3});
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(static_cast<std::int64_t>(random() >> (24 + random() % 40)));
  }
  for (std::int64_t value : values) {
    // The larger value keeps the answer from being cut at the maximum.
    const std::int64_t answer = histogram_of({value, kLargestExact - 1})->percentile(50);
    ASSERT_GE(answer, value);
    ASSERT_LE(answer - value, value / 128) << value;
  }
}

TEST(HistogramTest, NeverAnswersAboveTheMaximum) {
  const auto histogram = histogram_of({1'000'001});
  EXPECT_EQ(histogram->percentile(50), 1'000'001);
  EXPECT_EQ(histogram->percentile(99.9), 1'000'001);
}

TEST(HistogramTest, KeepsValuesBeyondItsRangeInTheLastBucket) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const auto histogram = histogram_of({1, kLargestExact, kHuge});
  EXPECT_EQ(histogram->count(), 3U);
  EXPECT_EQ(histogram->max(), kHuge);
  EXPECT_EQ(histogram->percentile(30), 1);
  EXPECT_EQ(histogram->percentile(100), kHuge);
}

TEST(HistogramTest, TakesNegativeValuesForZero) {
  const auto histogram = histogram_of({-5, 7});
  EXPECT_EQ(histogram->min(), 0);
  EXPECT_EQ(histogram->percentile(50), 0);
  EXPECT_EQ(histogram->mean(), 3.5);
}

TEST(HistogramTest, MergedKnowsWhatBothKnew) {
  const auto all = histogram_of({5, 70, 900, 40'000, 5'000'000, 3});
  auto merged = histogram_of({5, 900, 5'000'000});
  merged->merge(*histogram_of({70, 40'000, 3}));
  EXPECT_EQ(merged->count(), all->count());
  EXPECT_EQ(merged->min(), all->min());
  EXPECT_EQ(merged->max(), all->max());
  EXPECT_EQ(merged->mean(), all->mean());
  for (double percent : {0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 100.0}) {
    EXPECT_EQ(merged->percentile(percent), all->percentile(percent)) << percent;
  }
}

TEST(HistogramTest, MergingAnEmptyOneChangesNothingEitherWay) {
  auto empty = histogram_of({});
  auto full = histogram_of({10, 20});
  full->merge(*empty);
  EXPECT_EQ(full->min(), 10);
  EXPECT_EQ(full->count(), 2U);
  empty->merge(*full);
  EXPECT_EQ(empty->min(), 10);
  EXPECT_EQ(empty->max(), 20);
}

TEST(HistogramTest, AnExcerptHasAll) {
  const auto all = histogram_of({5, 70, 900, 40'000, 5'000'000, 3, 900, kLargestExact * 8});
  auto copied = histogram_of({});
  copied->add(histogram_of({5, 900, 5'000'000, kLargestExact * 8})->excerpt());
  copied->add(histogram_of({})->excerpt());
  copied->add(histogram_of({70, 40'000, 3, 900})->excerpt());
  EXPECT_EQ(copied->count(), all->count());
  EXPECT_EQ(copied->min(), all->min());
  EXPECT_EQ(copied->max(), all->max());
  EXPECT_EQ(copied->mean(), all->mean());
  for (double percent : {0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 100.0}) {
    EXPECT_EQ(copied->percentile(percent), all->percentile(percent)) << percent;
  }
}

}  // namespace
}  // namespace load_test
