#include "colibri/core/spawn_site.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace colibri {
namespace {

TEST(SpawnSite, AnOriginHasOneIndexForTheLifeOfTheProcess) {
  const SpawnSite site = SpawnSite::here();
  const OriginIndex first = intern_origin(site, "one");
  EXPECT_EQ(intern_origin(site, "one"), first);
  EXPECT_EQ(intern_origin_again(site, "one"), first);
  EXPECT_NE(first, 0);
  const Origin origin = origin_of(first);
  EXPECT_EQ(origin.site.file, site.file);
  EXPECT_EQ(origin.site.line, site.line);
  EXPECT_STREQ(origin.name, "one");
}

TEST(SpawnSite, LineNameAndFileTellOriginsApart) {
  const SpawnSite site{"file.cc", 10};
  std::set<OriginIndex> indices{intern_origin(site, ""), intern_origin(site, "name"),
                                intern_origin({"file.cc", 11}, ""),
                                intern_origin({"other.cc", 10}, "")};
  EXPECT_EQ(indices.size(), 4U);
}

TEST(SpawnSite, NothingIsKnownOfIndexZero) {
  EXPECT_STREQ(origin_of(0).name, "");
  EXPECT_STREQ(origin_of(0).site.file, "");
}

TEST(SpawnSite, ThreadsThatMeetANewOriginAgreeOnIt) {
  constexpr std::uint32_t kLines = 500;
  std::vector<std::vector<OriginIndex>> found(4, std::vector<OriginIndex>(kLines));
  std::vector<std::thread> threads;
  for (std::vector<OriginIndex>& mine : found) {
    threads.emplace_back([&mine] {
      for (std::uint32_t i = 0; i < kLines; ++i) mine[i] = intern_origin({"threads.cc", i}, "");
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<OriginIndex>& mine : found) EXPECT_EQ(mine, found[0]);
}

TEST(SpawnSite, ATableThatIsFullSaysNothingInsteadOfFailing) {
  std::size_t refused = 0;
  for (std::uint32_t i = 0; i < 61'000; ++i) refused += intern_origin({"many.cc", i}, "") == 0;
  EXPECT_GT(refused, 0U);
  EXPECT_LT(refused, 10'000U);
  EXPECT_NE(intern_origin({"many.cc", 1}, ""), 0) << "known ones stay known";
}

}  // namespace
}  // namespace colibri
