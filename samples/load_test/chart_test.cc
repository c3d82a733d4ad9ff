#include "samples/load_test/chart.h"

#include <gtest/gtest.h>

namespace load_test {
namespace {

TEST(ChartTest, TicksAreRoundAndReachTheLargest) {
  for (double largest : {0.0, 0.003, 1.0, 7.0, 99.0, 100.0, 101.0, 123'456.0, 2e9}) {
    const auto ticks = round_ticks(largest, 4);
    ASSERT_GE(ticks.size(), 2U) << largest;
    EXPECT_LE(ticks.size(), 8U) << largest;
    EXPECT_EQ(ticks.front().at, 0) << largest;
    EXPECT_GE(ticks.back().at, largest * (1 - 1e-9));
  }
  const auto ticks = round_ticks(37, 4);
  ASSERT_EQ(ticks.size(), 5U);
  EXPECT_EQ(ticks[1].label, "10");
}

TEST(ChartTest, NumbersAreShort) {
  const std::pair<double, const char*> cases[] = {{0, "0"},      {0.25, "0.25"},    {999, "999"},
                                                  {999.7, "1k"}, {12'500, "12.5k"}, {3e6, "3M"}};
  for (const auto& [number, text] : cases) EXPECT_EQ(short_number(number), text);
}

TEST(ChartTest, TextIsNoMarkup) {
  EXPECT_EQ(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
}

TEST(ChartTest, PointsLieWhereTheirValuesAre) {
  const Chart chart{
      "Title", "ms", {{"line", {0, 5, 10}, {0, 50, 100}}}, {{0, "0"}, {10, "10"}}, "x"};
  const std::string html = as_html(chart);
  EXPECT_NE(html.find("points=\"0.0,300.0 500.0,150.0 1000.0,0.0 \""), std::string::npos) << html;
  EXPECT_EQ(html.find("legend"), std::string::npos) << "one line explains itself";
}

TEST(ChartTest, SeveralLinesHaveALegend) {
  const Chart chart{"Title",
                    "",
                    {{"a<b", {0, 1}, {1, 1}}, {"second", {0, 1}, {2, 2}}},
                    {{0, "0"}, {1, "1"}},
                    "x"};
  const std::string html = as_html(chart);
  EXPECT_NE(html.find("</svg>a&lt;b</span>"), std::string::npos) << html;
  EXPECT_NE(html.find("</svg>second</span>"), std::string::npos) << html;
}

}  // namespace
}  // namespace load_test
