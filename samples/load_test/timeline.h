// What each second of a run has seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "samples/load_test/histogram.h"
#include "samples/load_test/schedule.h"

namespace load_test {

/// A second, counted from the beginning of the measurement; those of the warm-up are negative.
struct Second {
  std::int64_t index = 0;
  std::uint64_t messages = 0;  // replies that came within it
  std::uint64_t errors = 0;
  Histogram::Excerpt latency;  // of these replies, whenever they began
};

/// Of one worker. Its own thread records; any thread reads the seconds that are over.
class Timeline {
 public:
  /// From here on, seconds are counted from `origin`. By the worker; before, nothing is kept.
  void begin(TimePoint now, TimePoint origin);
  void record_reply(TimePoint now, std::chrono::nanoseconds latency);
  void record_error(TimePoint now);
  /// Ends the seconds that are over by `now`, also those without any reply.
  void advance(TimePoint now);

  /// The last second that is over; none while there is none.
  std::optional<Second> last() const;
  /// Those of the first `number` of the measurement that are over.
  std::vector<Second> measured(std::size_t number) const;

 private:
  TimePoint origin_;
  TimePoint end_of_second_ = TimePoint::max();  // of the one that is open
  Second open_;
  Histogram latency_;  // of the one that is open
  mutable std::mutex mutex_;
  std::vector<Second> closed_;  // under mutex_
};

/// The same second of several workers, in figures. Microseconds.
struct SecondSummary {
  std::uint64_t messages = 0;
  std::uint64_t errors = 0;
  double p50 = 0;  // 0 without messages, as are the next
  double p90 = 0;
  double p99 = 0;
  double max = 0;
};

/// `parts`: what each worker has of it.
SecondSummary summarize(const std::vector<Second>& parts);

}  // namespace load_test
