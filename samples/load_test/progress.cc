#include "samples/load_test/progress.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "colibri/colibri.h"

namespace load_test {
namespace {

struct Totals {
  std::uint64_t connections = 0;
  std::uint64_t messages = 0;
  std::uint64_t errors = 0;
};

Totals totals_of(const std::deque<Worker>& workers) {
  Totals totals;
  for (const Worker& worker : workers) {
    const Statistics& statistics = worker.statistics();
    totals.connections += statistics.established.value() + statistics.idle_established.value() -
                          statistics.lost.value();
    totals.messages += statistics.all_messages.value();
    totals.errors += statistics.error_count();
  }
  return totals;
}

const char* phase_of(const Schedule& schedule, TimePoint now) {
  if (!schedule.started()) return "connecting";
  if (now < schedule.measure_begin()) return "warm-up";
  return now < schedule.end() ? "measuring" : "ending";
}

std::int64_t newest_of(const std::vector<Second>& parts) {
  std::int64_t newest = std::numeric_limits<std::int64_t>::min();
  for (const Second& part : parts) newest = std::max(newest, part.index);
  return newest;
}

/// The newest second that is over, of the workers for which it is; all zero before there is one.
SecondSummary last_second(const std::deque<Worker>& workers) {
  std::vector<Second> parts;
  for (const Worker& worker : workers) {
    if (auto second = worker.timeline().last()) parts.push_back(std::move(*second));
  }
  std::erase_if(parts,
                [newest = newest_of(parts)](const Second& part) { return part.index != newest; });
  return summarize(parts);
}

}  // namespace

void print_progress(const std::deque<Worker>& workers, const Schedule& schedule) {
  const TimePoint begin = Clock::now();
  TimePoint before = begin;
  std::uint64_t messages_before = 0;
  for (int second = 1;; ++second) {
    colibri::sleep_until(begin + std::chrono::seconds(second));
    const TimePoint now = Clock::now();
    const Totals totals = totals_of(workers);
    const double passed = std::chrono::duration<double>(now - before).count();
    const double rate = static_cast<double>(totals.messages - messages_before) / passed;
    const SecondSummary last = last_second(workers);
    std::fprintf(
        stderr,
        "%4d s  %-10s %9.0f/s  p50 %8.0f us  p99 %8.0f us  %6llu connections  %llu errors\n",
        second, phase_of(schedule, now), rate, last.p50, last.p99,
        static_cast<unsigned long long>(totals.connections),
        static_cast<unsigned long long>(totals.errors));
    before = now;
    messages_before = totals.messages;
  }
}

}  // namespace load_test
