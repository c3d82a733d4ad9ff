// Numbers of what colibri does, for monitoring: how loaded the schedulers are, what coroutines wait
// for, and where time goes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace colibri {

/// Measures all schedulers from their next turn on, and those that begin later. For the process's
/// life: each switch reads the clock from then on, and takes tens of nanoseconds more. Helper
/// threads and the log are counted anyway. Schedulers for which there is no memory are left out.
/// Any thread. No effect the second time.
void enable_metrics() noexcept;

/// Of one kind of number, as Prometheus has them.
enum class MetricType { kCounter, kGauge, kHistogram };

/// One number, or the numbers of one histogram.
struct MetricSample {
  std::vector<std::pair<std::string_view, std::string>> labels{};  // name and value of each
  double value = 0;                                                // not of a histogram
  /// Of a histogram: how many were at most so large, from bucket to bucket more; the last bucket,
  /// which has no end, holds all.
  std::vector<std::uint64_t> cumulative{};
  double sum = 0;  // of a histogram: of all
};

/// Numbers of one name.
struct MetricFamily {
  std::string_view name;                 // by Prometheus' conventions
  std::string_view help;                 // a sentence
  MetricType type = MetricType::kGauge;  // of all samples
  std::vector<MetricSample> samples{};   // one for each set of labels
};

/// The numbers of this moment. Any thread; takes no lock that a scheduler waits for, and asks
/// nothing of it. Throws std::bad_alloc.
std::vector<MetricFamily> collect_metrics();

/// What the spans in each bucket of a histogram do not exceed, in seconds, but for the last one.
const std::vector<double>& metric_bucket_bounds();

/// Appends the metrics in Prometheus' text format, version 0.0.4. Errors as collect_metrics.
void write_prometheus(std::string& text);

/// Appends the metrics as JSON: an object of objects, by name, of "type", "help" and "samples",
/// each of which has "labels" and a "value", or "count", "sum" and "buckets", which are pairs of
/// bound and cumulative count; the last bound is null. Errors as collect_metrics.
void write_json(std::string& text);

}  // namespace colibri
