#include "colibri/core/inspect/metrics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>

#include "colibri/core/channel.h"
#include "colibri/core/clock.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/event.h"
#include "colibri/core/figure.h"
#include "colibri/core/libc.h"
#include "colibri/core/offload.h"
#include "colibri/core/runtime.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task_group.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;

/// The sum over all samples that have this label; of a histogram: how many there were.
double value_of(std::string_view name, std::string_view label = {}) {
  double sum = 0;
  for (const MetricFamily& family : collect_metrics()) {
    if (family.name != name) continue;
    for (const MetricSample& sample : family.samples) {
      const bool wanted =
          label.empty() || std::any_of(sample.labels.begin(), sample.labels.end(),
                                       [&](const auto& each) { return each.second == label; });
      if (!wanted) continue;
      sum +=
          sample.cumulative.empty() ? sample.value : static_cast<double>(sample.cumulative.back());
    }
  }
  return sum;
}

double sum_of(std::string_view name) {
  double sum = 0;
  for (const MetricFamily& family : collect_metrics()) {
    if (family.name != name) continue;
    for (const MetricSample& sample : family.samples) sum += sample.sum;
  }
  return sum;
}

/// The numbers that say what is are renewed before the scheduler sleeps.
void let_renew() {
  sleep_for(milliseconds(1));
}

/// Each test measures the scheduler that it runs.
class Metrics : public testing::Test {
 protected:
  void SetUp() override { enable_metrics(); }
};

TEST_F(Metrics, CountCoroutines) {
  test::run_in_scheduler([] {
    TaskGroup group;
    const Event go_on;
    for (int i = 0; i < 10; ++i) group.spawn([go_on] { go_on.wait(); });
    let_renew();
    EXPECT_EQ(value_of("colibri_coroutines"), 11);
    EXPECT_EQ(value_of("colibri_coroutines_ended_total"), 0);
    go_on.set();
    group.join();
    let_renew();
    EXPECT_EQ(value_of("colibri_coroutines"), 1);
    EXPECT_EQ(value_of("colibri_coroutines_ended_total"), 10);
    EXPECT_EQ(value_of("colibri_coroutines_spawned_total"), 11);
  });
  EXPECT_EQ(value_of("colibri_coroutines"), 0) << "its scheduler has ended";
}

TEST_F(Metrics, CountWaitsByReason) {
  test::run_in_scheduler([] {
    const double other = value_of("colibri_parks_total", "other");
    const double sleeps = value_of("colibri_parks_total", "sleep");
    Channel<int> numbers(1);
    auto sender = spawn([numbers]() mutable {
      for (int i = 0; i < 100; ++i) numbers.send(i);
      numbers.close();
    });
    int sum = 0;
    for (const int number : numbers) sum += number;
    EXPECT_EQ(sum, 4950);
    sender.join();
    EXPECT_GE(value_of("colibri_parks_total", "other") - other, 50);
    for (int i = 0; i < 5; ++i) sleep_for(milliseconds(1));
    EXPECT_EQ(value_of("colibri_parks_total", "sleep") - sleeps, 5);
  });
}

TEST_F(Metrics, EverySliceIsCounted) {
  test::run_in_scheduler([] {
    const double yields = value_of("colibri_yields_total");
    const double slices = value_of("colibri_slice_seconds");
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.spawn([] {
        for (int k = 0; k < 100; ++k) yield();
      });
    }
    group.join();
    EXPECT_GE(value_of("colibri_yields_total") - yields, 300 - 100)
        << "who is alone yields to nobody";
    EXPECT_GE(value_of("colibri_slice_seconds") - slices, 300 - 100);
  });
}

TEST_F(Metrics, SlicesAndDelaysHaveTheirLength) {
  test::run_in_scheduler([] {
    const double slices = sum_of("colibri_slice_seconds");
    const double delays = sum_of("colibri_run_queue_delay_seconds");
    const auto work = [] {
      const std::int64_t end = monotonic_now() + 5'000'000;
      while (monotonic_now() < end) {
      }
    };
    TaskGroup group;
    for (int i = 0; i < 4; ++i) group.spawn(work);
    group.join();
    EXPECT_GE(sum_of("colibri_slice_seconds") - slices, 0.02);
    EXPECT_GE(sum_of("colibri_run_queue_delay_seconds") - delays, 0.005)
        << "somebody waited for another's slice";
  });
}

TEST_F(Metrics, ALateLoopIsSeen) {
  test::run_in_scheduler([] {
    const double lag = sum_of("colibri_loop_lag_seconds");
    auto sleeper = spawn([] { sleep_for(milliseconds(1)); });
    yield();
    const std::int64_t end = monotonic_now() + 20'000'000;
    while (monotonic_now() < end) {
    }
    sleeper.join();
    EXPECT_GE(sum_of("colibri_loop_lag_seconds") - lag, 0.015);
  });
}

TEST_F(Metrics, ADeadlineOfLongAgoIsNoLag) {
  test::run_in_scheduler([] {
    Event never;
    for (int i = 0; i < 3; ++i)
      EXPECT_FALSE(never.wait_until(Deadline::after(-std::chrono::hours(1000))));
    sleep_for(milliseconds(1));
    EXPECT_LT(sum_of("colibri_loop_lag_seconds"), 1000);
  });
}

TEST_F(Metrics, EachSchedulerHasItsOwn) {
  test::run_in_scheduler([] {
    Runtime runtime(2);
    for (int i = 0; i < 2; ++i) runtime.async([] { let_renew(); }).get();
    int schedulers = 0;
    for (const MetricFamily& family : collect_metrics()) {
      if (family.name == "colibri_coroutines") schedulers = static_cast<int>(family.samples.size());
    }
    EXPECT_EQ(schedulers, 3);
  });
}

TEST_F(Metrics, HelpersAreCounted) {
  test::run_in_scheduler([] {
    const double before = value_of("colibri_helper_calls_total", "general");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(offload([i] { return i; }), i);
    EXPECT_EQ(value_of("colibri_helper_calls_total", "general"), before + 3);
    EXPECT_GE(value_of("colibri_helper_threads", "general"), 1);
  });
}

TEST_F(Metrics, AResumedCoroutineIsPartOfItsResumersSlice) {
  test::run_in_scheduler([] {
    const double slices = value_of("colibri_slice_seconds");
    Coroutine steps([] {
      for (int i = 0; i < 100; ++i) Coroutine::yield();
    });
    while (!steps.done()) steps.resume();
    EXPECT_EQ(value_of("colibri_slice_seconds"), slices);
  });
}

TEST_F(Metrics, ExceptionsAndErrnoAreKeptOverSwitches) {
  test::run_in_scheduler([] {
    const auto juggle = [](int number) {
      for (int i = 0; i < 20; ++i) {
        try {
          throw number;
        } catch (int caught) {
          errno = number;
          yield();
          EXPECT_EQ(errno, number);
          EXPECT_EQ(caught, number);
          EXPECT_NE(std::current_exception(), nullptr);
        }
        EXPECT_EQ(std::uncaught_exceptions(), 0);
      }
    };
    TaskGroup group;
    for (int i = 1; i <= 5; ++i) group.spawn(juggle, i);
    group.join();
  });
}

// Text -------------------------------------------------------------------------------------------

TEST_F(Metrics, AreWrittenForPrometheus) {
  test::run_in_scheduler([] {
    let_renew();
    std::string text = "before\n";
    write_prometheus(text);
    EXPECT_TRUE(text.starts_with("before\n# HELP colibri_coroutines "));
    for (const char* line :
         {"# TYPE colibri_parks_total counter\n", "reason=\"sleep\"} 1\n",
          "# TYPE colibri_slice_seconds histogram\n", ",le=\"1e-06\"}", ",le=\"8.388608\"}",
          ",le=\"+Inf\"}", "\ncolibri_log_messages_dropped_total 0\n"}) {
      EXPECT_NE(text.find(line), std::string::npos) << line;
    }
  });
}

TEST_F(Metrics, AreWrittenAsJson) {
  test::run_in_scheduler([] {
    let_renew();
    std::string text;
    write_json(text);
    const auto json = nlohmann::json::parse(text);
    EXPECT_EQ(json["colibri_coroutines"]["type"], "gauge");
    EXPECT_EQ(json["colibri_coroutines"]["samples"][0]["value"], 1);
    const auto& slices = json["colibri_slice_seconds"]["samples"][0];
    EXPECT_EQ(slices["buckets"].size(), DurationHistogram::kBuckets);
    EXPECT_EQ(slices["buckets"].back()[0], nullptr);
    EXPECT_EQ(slices["buckets"].back()[1], slices["count"]);
    EXPECT_EQ(json["colibri_log_messages_total"]["samples"][0]["labels"], nlohmann::json::object());
  });
}

TEST(DurationHistogram, PutsEachSpanWhereItBelongs) {
  const std::pair<std::int64_t, std::size_t> spans[] = {
      {-5, 0},
      {0, 0},
      {1, 0},
      {1000, 0},
      {1001, 1},
      {2000, 1},
      {2001, 2},
      {4000, 2},
      {4001, 3},
      {8'388'608'000, 23},
      {8'388'608'001, 24},
      {std::int64_t{1} << 62, 24},
  };
  for (const auto& [span, bucket] : spans) {
    DurationHistogram histogram;
    histogram.record(span);
    for (std::size_t i = 0; i < DurationHistogram::kBuckets; ++i) {
      EXPECT_EQ(histogram.count_in(i), i == bucket ? 1U : 0U) << span << ", bucket " << i;
    }
    EXPECT_EQ(histogram.sum(), static_cast<std::uint64_t>(std::max(span, std::int64_t{0})));
  }
}

}  // namespace
}  // namespace colibri
