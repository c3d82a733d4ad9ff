// The table of `colibri ps`: order, choice and alignment.
#include "hook/command/coroutine_table.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace colibri {
namespace {

constexpr const char* kAnswer =
    "id\tname\tstate\tms\twait\n"
    "1\tmain\trunning\t-\t-\n"
    "2\treader\tparked\t70\treadable fd 7 a←b\n"
    "3\twriter\tparked\t900\tmutex\n";

TEST(CoroutineTableTest, AlignsColumnsByCharacters) {
  EXPECT_EQ(format_coroutine_table("id\tname\twait\n1\ta←b\tx\n2\tlonger\ty\n", {}),
            "id  name    wait\n"
            "1   a←b     x\n"
            "2   longer  y\n");
}

TEST(CoroutineTableTest, SortsNumbersDownwardsAndWordsUpwards) {
  EXPECT_EQ(format_coroutine_table(kAnswer, {.sort = "ms"}),
            "id  name    state    ms   wait\n"
            "3   writer  parked   900  mutex\n"
            "2   reader  parked   70   readable fd 7 a←b\n"
            "1   main    running  -    -\n");
  const std::string by_name = format_coroutine_table(kAnswer, {.sort = "name"});
  EXPECT_LT(by_name.find("main"), by_name.find("reader"));
  EXPECT_LT(by_name.find("reader"), by_name.find("writer"));
}

TEST(CoroutineTableTest, ShowsWhatIsAskedFor) {
  EXPECT_EQ(format_coroutine_table(kAnswer, {.state = "parked", .most = 1}),
            "id  name    state   ms  wait\n"
            "2   reader  parked  70  readable fd 7 a←b\n"
            "… and 1 more\n");
  const std::string found = format_coroutine_table(kAnswer, {.search = "mutex"});
  EXPECT_EQ(found.find("reader"), std::string::npos);
  EXPECT_NE(found.find("writer"), std::string::npos);
}

TEST(CoroutineTableTest, NamesTheColumnsWhenThereIsNoSuchOne) {
  try {
    format_coroutine_table(kAnswer, {.sort = "colour"});
    ADD_FAILURE();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "there is no column \"colour\"; there are: id name state ms wait");
  }
}

TEST(CoroutineTableTest, ShortLinesDoNoHarm) {
  EXPECT_EQ(format_coroutine_table("id\tname\n7\n\n", {}), "id  name\n7\n\n");
}

}  // namespace
}  // namespace colibri
