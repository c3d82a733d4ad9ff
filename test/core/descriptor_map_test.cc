#include "colibri/core/descriptor_map.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <thread>
#include <vector>

namespace colibri {
namespace {

struct Entry {
  std::atomic<int> value;
};

class DescriptorMapTest : public testing::Test {
 protected:
  ~DescriptorMapTest() override { map_.clear(); }
  DescriptorMap<Entry> map_;
};

TEST_F(DescriptorMapTest, HasNothingAtFirst) {
  EXPECT_EQ(map_.find(0), nullptr);
  EXPECT_EQ(map_.find(19'999), nullptr);
}

TEST_F(DescriptorMapTest, EntriesBeginAsZeroAndStayWhereTheyAre) {
  Entry* entry = map_.find_or_create(7);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->value, 0);
  entry->value = 42;
  for (int number = 0; number < 20'000; number += 13) map_.find_or_create(number);
  EXPECT_EQ(map_.find(7), entry);
  EXPECT_EQ(map_.find_or_create(7), entry);
  EXPECT_EQ(entry->value, 42);
}

TEST_F(DescriptorMapTest, KeepsNumbersApart) {
  const std::vector<int> numbers = {0, 1, 4'095, 4'096, 4'097, 19'999, 1'048'575, 33'000'000};
  for (const int number : numbers) map_.find_or_create(number)->value = number + 1;
  for (const int number : numbers) EXPECT_EQ(map_.find(number)->value, number + 1);
}

TEST_F(DescriptorMapTest, TakesNumbersUpToTheKernelsLargestSensibleOne) {
  EXPECT_NE(map_.find_or_create((1 << 25) - 1), nullptr);
  EXPECT_EQ(map_.find_or_create(1 << 25), nullptr);
  EXPECT_EQ(map_.find(1 << 25), nullptr);
  EXPECT_EQ(map_.find_or_create(std::numeric_limits<int>::max()), nullptr);
  EXPECT_EQ(map_.find(std::numeric_limits<int>::max()), nullptr);
}

TEST_F(DescriptorMapTest, NegativeNumbersHaveNoEntry) {
  map_.find_or_create(0);
  for (const int number : {-1, -4'096, std::numeric_limits<int>::min()}) {
    EXPECT_EQ(map_.find(number), nullptr);
    EXPECT_EQ(map_.find_or_create(number), nullptr);
  }
}

TEST_F(DescriptorMapTest, VisitsWhatIsInMemory) {
  map_.find_or_create(5)->value = 1;
  map_.find_or_create(100'000)->value = 1;
  std::set<int> seen;
  map_.for_each([&](int number, Entry& entry) {
    if (entry.value != 0) seen.insert(number);
  });
  EXPECT_EQ(seen, (std::set{5, 100'000}));
}

TEST_F(DescriptorMapTest, ClearedItIsEmptyAndUsable) {
  map_.find_or_create(5)->value = 1;
  map_.clear();
  EXPECT_EQ(map_.find(5), nullptr);
  EXPECT_EQ(map_.find_or_create(5)->value, 0);
}

TEST_F(DescriptorMapTest, ThreadsAgreeOnTheEntries) {
  constexpr int kThreads = 4;
  constexpr int kNumbers = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < kNumbers; ++i) ++map_.find_or_create(i * 1'021)->value;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kNumbers; ++i) ASSERT_EQ(map_.find(i * 1'021)->value, kThreads);
}

}  // namespace
}  // namespace colibri
