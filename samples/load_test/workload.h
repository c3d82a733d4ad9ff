// What all connections of a worker share.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

#include "colibri/colibri.h"
#include "samples/load_test/dialer.h"
#include "samples/load_test/dialogue.h"
#include "samples/load_test/options.h"
#include "samples/load_test/schedule.h"
#include "samples/load_test/statistics.h"

namespace load_test {

/// When messages are due in an open loop: a constant rate, dealt out to the connections in turn.
struct Arrivals {
  TimePoint begin;
  double interval = 0;  // nanoseconds between two messages of this worker
  std::uint64_t connections = 1;

  TimePoint due(std::uint64_t number) const {
    return begin + std::chrono::nanoseconds(std::llround(static_cast<double>(number) * interval));
  }
  std::uint64_t due_before(TimePoint end) const {
    const double time = static_cast<double>(std::chrono::nanoseconds(end - begin).count());
    return time <= 0 ? 0 : static_cast<std::uint64_t>(std::ceil(time / interval));
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
  Arrivals arrivals;  // of an open loop
  Crew crew;
  bool closing = false;  // from here on, the end of a stream is our own doing
};

}  // namespace load_test
