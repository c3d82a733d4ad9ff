#include "samples/load_test/timeline.h"

#include <gtest/gtest.h>

namespace load_test {
namespace {

using namespace std::chrono_literals;

const TimePoint kOrigin = TimePoint(1000s);

TEST(TimelineTest, CountsEachReplyInItsSecond) {
  Timeline timeline;
  timeline.begin(kOrigin, kOrigin);
  timeline.record_reply(kOrigin + 1ms, 100ns);
  timeline.record_reply(kOrigin + 999ms, 300ns);
  timeline.record_reply(kOrigin + 1s, 50ns);
  timeline.record_error(kOrigin + 1500ms);
  timeline.advance(kOrigin + 2s);
  const auto seconds = timeline.measured(10);
  ASSERT_EQ(seconds.size(), 2U);
  EXPECT_EQ(seconds[0].messages, 2U);
  EXPECT_EQ(seconds[0].latency.max, 300);
  EXPECT_EQ(seconds[0].errors, 0U);
  EXPECT_EQ(seconds[1].messages, 1U);
  EXPECT_EQ(seconds[1].latency.max, 50);
  EXPECT_EQ(seconds[1].errors, 1U);
}

TEST(TimelineTest, ASecondWithoutRepliesIsASecond) {
  Timeline timeline;
  timeline.begin(kOrigin, kOrigin);
  timeline.record_reply(kOrigin + 3500ms, 1ns);
  timeline.advance(kOrigin + 4s);
  const auto seconds = timeline.measured(10);
  ASSERT_EQ(seconds.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(seconds[i].index, static_cast<std::int64_t>(i));
    EXPECT_EQ(seconds[i].messages, i == 3 ? 1U : 0U);
  }
}

TEST(TimelineTest, TheWarmupIsNotOfTheMeasurement) {
  Timeline timeline;
  timeline.begin(kOrigin - 1500ms, kOrigin);
  timeline.record_reply(kOrigin - 1200ms, 1ns);
  timeline.advance(kOrigin);
  ASSERT_TRUE(timeline.last().has_value());
  EXPECT_EQ(timeline.last()->index, -1);
  EXPECT_TRUE(timeline.measured(10).empty());
  timeline.record_reply(kOrigin + 1ms, 1ns);
  timeline.advance(kOrigin + 5s);
  EXPECT_EQ(timeline.measured(2).size(), 2U);
}

TEST(TimelineTest, KeepsNothingBeforeItBegins) {
  Timeline timeline;
  timeline.record_error(kOrigin);
  timeline.record_reply(kOrigin, 1ns);
  timeline.advance(kOrigin + 100s);
  EXPECT_FALSE(timeline.last().has_value());
  timeline.begin(kOrigin, kOrigin);
  timeline.advance(kOrigin + 1s);
  ASSERT_TRUE(timeline.last().has_value());
  EXPECT_EQ(timeline.last()->messages, 0U);
  EXPECT_EQ(timeline.last()->errors, 0U);
}

TEST(TimelineTest, ASummaryIsOfAllWorkers) {
  Timeline first;
  Timeline second;
  for (Timeline* timeline : {&first, &second}) {
    timeline->begin(kOrigin, kOrigin);
    for (int i = 0; i < 50; ++i) {
      timeline->record_reply(kOrigin + 1ms, timeline == &first ? 100us : 200us);
    }
    timeline->record_error(kOrigin + 2ms);
    timeline->advance(kOrigin + 1s);
  }
  const SecondSummary summary = summarize({first.measured(1)[0], second.measured(1)[0]});
  EXPECT_EQ(summary.messages, 100U);
  EXPECT_EQ(summary.errors, 2U);
  EXPECT_NEAR(summary.p50, 100, 1);
  EXPECT_NEAR(summary.p90, 200, 2);
  EXPECT_EQ(summary.max, 200);
}

}  // namespace
}  // namespace load_test
