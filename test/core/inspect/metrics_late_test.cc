// Measuring begins while schedulers run: in a program of its own, since it goes on for good.
#include <gtest/gtest.h>

#include "colibri/core/inspect/metrics.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;

std::uint64_t count_slices() {
  for (const MetricFamily& family : collect_metrics()) {
    if (family.name != "colibri_slice_seconds") continue;
    return family.samples.empty() ? 0 : family.samples.front().cumulative.back();
  }
  ADD_FAILURE() << "there is no such number";
  return 0;
}

TEST(MetricsLateTest, MeasuresASchedulerThatRunsAlready) {
  run([] {
    yield();
    EXPECT_EQ(count_slices(), 0);
    enable_metrics();
    sleep_for(milliseconds(1));
    const std::uint64_t slices = count_slices();
    EXPECT_GT(slices, 0);
    sleep_for(milliseconds(1));
    EXPECT_GT(count_slices(), slices);
  });
}

}  // namespace
}  // namespace colibri
