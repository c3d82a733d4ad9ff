// Traces in Chrome's format: a thread's slices on one track, instants where coroutines are spawned,
// and arrows from who woke somebody to where that one went on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "colibri/core/inspect/trace_ring.h"

namespace colibri {

/// The times of traces count from here; only the first call counts. Any thread.
void start_trace_clock() noexcept;

/// Makes one document. One thread at a time; what adds to it throws std::bad_alloc.
class TraceWriter {
 public:
  TraceWriter();

  /// Adds what a thread has recorded, the oldest first.
  void add_thread(pid_t thread_id, const std::vector<TraceEvent>& events);

  /// The document. Nothing can be added afterwards.
  std::string finish() &&;

 private:
  double microseconds(std::uint64_t ticks) const noexcept;
  /// Begins an event of Chrome's; to be followed by its other members and "},\n".
  void begin_event(char phase, double time, const std::string& name);
  void add_slice(const TraceEvent& event, std::uint64_t began);
  void add_arrival(const TraceEvent& woken, const TraceEvent& waker, std::uint64_t began);

  const pid_t process_;
  const double ticks_a_microsecond_;
  std::string text_ = "{\"traceEvents\":[\n";
  std::uint64_t last_arrow_ = 0;
  pid_t thread_ = 0;                                         // the one that is being added
  std::unordered_map<std::uint64_t, std::uint64_t> arrows_;  // of it: who was woken, by which one
};

}  // namespace colibri
