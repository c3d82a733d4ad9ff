// One thread's share of the load, on a scheduler of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "samples/load_test/connection.h"
#include "samples/load_test/connector.h"
#include "samples/load_test/workload.h"

namespace load_test {

/// What all workers of a run share, and none changes.
struct Common {
  const Options& options;
  const Endpoint& target;
  const TlsClient* tls;  // null: no TLS
  const Pattern& requests;
};

/// Everything but statistics() belongs to the thread that calls run().
class Worker {
 public:
  /// `index` counts the workers of the run. The references must outlive the worker.
  Worker(const Common& common, Schedule& schedule, std::uint32_t index);

  /// In a coroutine: connects, takes part in the load to its end, and returns when all of its
  /// coroutines have ended.
  void run();

  /// The Counts at any time, the rest after run().
  const Statistics& statistics() const { return statistics_; }
  /// Seconds that are over, at any time.
  const Timeline& timeline() const { return timeline_; }

 private:
  void adopt(std::vector<std::unique_ptr<Transport>> transports);
  void drive_connections();
  void start_load();
  void pace();
  void note_send(TimePoint due, TimePoint now);
  void await_end();
  void await_replies();
  bool awaits_anything() const;
  void close_all();
  void check_idle(const std::vector<std::unique_ptr<Transport>>& transports);

  const Options& options_;
  Schedule& schedule_;
  const std::uint32_t index_;
  const Share share_;
  Statistics statistics_;
  Timeline timeline_;
  Dialer dialer_;
  Dialogue dialogue_;
  Workload workload_;
  std::deque<Connection> connections_;  // connections stay where they are
  bool pacing_ = false;                 // messages are due, or late
};

}  // namespace load_test
