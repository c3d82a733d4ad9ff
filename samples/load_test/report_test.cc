#include "samples/load_test/report.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace load_test {
namespace {

std::size_t number_of(const std::string& text, const std::string& part) {
  std::size_t number = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

Result result_of(std::size_t seconds) {
  const auto statistics = std::make_shared<Statistics>();
  for (int i = 1; i <= 1000; ++i) statistics->latency.record(i * 1000);
  statistics->messages.add(1000);
  Result result{{}, "127.0.0.1:7777", statistics, std::chrono::seconds(10), false, {}, {}};
  result.seconds.assign(seconds, SecondSummary{100, 0, 10, 20, 30, 40});
  return result;
}

TEST(ReportTest, IsOnePageThatNeedsNothingElse) {
  const std::string page = as_page(result_of(10));
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  for (const char* foreign : {"<script", "<link", "src=", "http:", "https:", "url(", "@import"}) {
    EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
  }
}

TEST(ReportTest, FollowsTheReadersSystemAndWindow) {
  const std::string page = as_page(result_of(10));
  EXPECT_NE(page.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_NE(page.find("name=\"viewport\""), std::string::npos);
}

TEST(ReportTest, HasAPlotForAllThatWasSeen) {
  Result result = result_of(10);
  EXPECT_EQ(number_of(as_page(result), "<figure>"), 4U);
  result.server.assign(10, ServerSecond{0.5, 1'000'000});
  const std::string page = as_page(result);
  EXPECT_EQ(number_of(page, "<figure>"), 6U);
  EXPECT_NE(page.find("Server's memory"), std::string::npos);
}

TEST(ReportTest, ARunOfOneSecondHasNoPlotOverTime) {
  EXPECT_EQ(number_of(as_page(result_of(1)), "<figure>"), 1U);
}

TEST(ReportTest, ARunWithoutAnyMessageIsAPageToo) {
  Result result = result_of(0);
  result.statistics = std::make_shared<Statistics>();
  const std::string page = as_page(result);
  EXPECT_EQ(number_of(page, "<figure>"), 0U);
  EXPECT_NE(page.find("no reply came within the measurement"), std::string::npos);
}

TEST(ReportTest, WhatTheServerSaysIsNoMarkup) {
  Result result = result_of(10);
  const auto statistics = std::make_shared<Statistics>();
  statistics->first_error = "<script>alert(1)</script>";
  result.statistics = statistics;
  EXPECT_EQ(as_page(result).find("<script"), std::string::npos);
}

TEST(ReportTest, CsvHasALineASecond) {
  Result result = result_of(3);
  result.server.assign(2, ServerSecond{0.5, 1'000'000});
  const std::string csv = as_csv(result);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4);
  EXPECT_NE(csv.find("\n1,100,0,10.0,20.0,30.0,40.0,0.500,1000000\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find("\n2,100,0,10.0,20.0,30.0,40.0,,\n"), std::string::npos) << csv;
}

TEST(ReportTest, DoubtsAreSaid) {
  Result result = result_of(10);
  EXPECT_TRUE(result.doubts().empty());
  const auto statistics = std::make_shared<Statistics>();
  statistics->busiest_thread = 0.97;
  statistics->due = 1000;
  statistics->late = 50;
  result.statistics = statistics;
  EXPECT_EQ(result.doubts().size(), 2U);
  EXPECT_EQ(number_of(as_page(result), "<b>Doubt:</b>"), 2U);
  EXPECT_EQ(number_of(as_text(result), "\ndoubt "), 2U);
}

}  // namespace
}  // namespace load_test
