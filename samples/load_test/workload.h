// What all connections of a worker share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "colibri/colibri.h"
#include "samples/load_test/dialer.h"
#include "samples/load_test/dialogue.h"
#include "samples/load_test/options.h"
#include "samples/load_test/rate_profile.h"
#include "samples/load_test/schedule.h"
#include "samples/load_test/statistics.h"
#include "samples/load_test/timeline.h"

namespace load_test {

/// When a worker's messages are due in an open loop, dealt out to its connections in turn.
struct Arrivals {
  TimePoint begin;
  RateProfile profile;
  double shift = 0;  // of a message: workers must not all send at the same moments
  std::uint64_t connections = 1;

  TimePoint due(std::uint64_t number) const {
    return begin + profile.due(static_cast<double>(number) + shift);
  }
  std::uint64_t due_before(TimePoint end) const {
    const double number = std::ceil(profile.number_before(end - begin) - shift);
    return number <= 0 ? 0 : static_cast<std::uint64_t>(number);
  }
  /// Of one connection's messages, which are every `connections`-th of all.
  TimePoint due(std::uint64_t connection, std::uint64_t message) const {
    return due(message * connections + connection);
  }
};

/// Coroutines that must have ended before what they use may go.
class Crew {
 public:
  template <class Function>
  void start(Function function) {
    ++at_work_;
    colibri::go([this, function = std::move(function)] {
      function();
      --at_work_;
    });
  }
  bool finished() const { return at_work_ == 0; }

 private:
  std::uint64_t at_work_ = 0;
};

/// Belongs to one thread.
struct Workload {
  const Options& options;
  Dialogue& dialogue;
  Dialer& dialer;
  Schedule& schedule;
  Statistics& statistics;
  Timeline& timeline;
  Arrivals arrivals;  // of an open loop
  Crew crew;
  std::vector<TimePoint> stage_ends;  // of an open loop with stages
  bool closing = false;               // from here on, the end of a stream is our own doing

  /// The stage in which a message was due; null without stages.
  StageStatistics* stage_of(TimePoint due) {
    const auto end = std::upper_bound(stage_ends.begin(), stage_ends.end(), due);
    if (end == stage_ends.end()) return nullptr;
    return &statistics.stages[static_cast<std::size_t>(end - stage_ends.begin())];
  }
};

}  // namespace load_test
