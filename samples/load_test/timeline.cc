#include "samples/load_test/timeline.h"

#include <memory>
#include <utility>

namespace load_test {

using std::chrono::seconds;

void Timeline::begin(TimePoint now, TimePoint origin) {
  origin_ = origin;
  open_ = {};
  latency_ = Histogram();
  open_.index = std::chrono::floor<seconds>(now - origin).count();
  end_of_second_ = origin + seconds(open_.index + 1);
}

void Timeline::advance(TimePoint now) {
  while (now >= end_of_second_) {
    open_.latency = latency_.excerpt();
    latency_ = Histogram();
    const std::int64_t next = open_.index + 1;
    {
      const std::lock_guard lock(mutex_);
      closed_.push_back(std::exchange(open_, {}));
    }
    open_.index = next;
    end_of_second_ = origin_ + seconds(next + 1);
  }
}

void Timeline::record_reply(TimePoint now, std::chrono::nanoseconds latency) {
  advance(now);
  ++open_.messages;
  latency_.record(latency.count());
}

void Timeline::record_error(TimePoint now) {
  advance(now);
  ++open_.errors;
}

std::optional<Second> Timeline::last() const {
  const std::lock_guard lock(mutex_);
  if (closed_.empty()) return std::nullopt;
  return closed_.back();
}

std::vector<Second> Timeline::measured(std::size_t number) const {
  const std::lock_guard lock(mutex_);
  std::vector<Second> result;
  for (const Second& second : closed_) {
    const bool wanted = second.index >= 0 && static_cast<std::size_t>(second.index) < number;
    if (wanted) result.push_back(second);
  }
  return result;
}

SecondSummary summarize(const std::vector<Second>& parts) {
  SecondSummary summary;
  const auto latency = std::make_unique<Histogram>();
  for (const Second& part : parts) {
    summary.messages += part.messages;
    summary.errors += part.errors;
    latency->add(part.latency);
  }
  auto microseconds = [](std::int64_t value) { return static_cast<double>(value) / 1000; };
  summary.p50 = microseconds(latency->percentile(50));
  summary.p90 = microseconds(latency->percentile(90));
  summary.p99 = microseconds(latency->percentile(99));
  summary.max = microseconds(latency->max());
  return summary;
}

}  // namespace load_test
