#include "colibri/core/inspect/stall_sites.h"

#include <gtest/gtest.h>

namespace colibri {
namespace {

constexpr std::int64_t kMinute = 60'000'000'000;

TEST(StallSites, ASiteIsReportedOnceAndCountedAlways) {
  StallSites sites;
  EXPECT_FALSE(sites.knows(1));
  EXPECT_TRUE(sites.count(1, "a", 0, 10));
  EXPECT_TRUE(sites.knows(1));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(sites.count(1, "", i * kMinute, 10));
  EXPECT_TRUE(sites.count(2, "b", 0, 10));
  const auto all = sites.list();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].place, "a");
  EXPECT_EQ(all[0].count, 6U);
  EXPECT_EQ(all[1].place, "b");
  EXPECT_EQ(all[1].count, 1U);
}

TEST(StallSites, MoreThanSoManyAMinuteAreReportedLater) {
  StallSites sites;
  EXPECT_TRUE(sites.count(1, "a", 10, 2));
  EXPECT_TRUE(sites.count(2, "b", 10, 2));
  EXPECT_FALSE(sites.count(3, "c", 10, 2));
  EXPECT_FALSE(sites.count(3, "", kMinute, 2));
  EXPECT_TRUE(sites.count(3, "", 10 + kMinute, 2));
  EXPECT_FALSE(sites.count(3, "", 10 + kMinute, 2));
  EXPECT_EQ(sites.list()[0].count, 4U);
}

TEST(StallSites, TooManySitesAreCountedTogether) {
  StallSites sites;
  for (std::uint64_t key = 0; key < StallSites::kMostSites + 3; ++key) sites.count(key, "x", 0, 1);
  sites.count_unknown();
  const auto all = sites.list();
  ASSERT_EQ(all.size(), StallSites::kMostSites + 1);
  EXPECT_EQ(all.back().place, "elsewhere");
  EXPECT_EQ(all.back().count, 4U);
  sites.clear();
  EXPECT_TRUE(sites.list().empty());
}

}  // namespace
}  // namespace colibri
