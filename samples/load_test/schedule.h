// When the phases of a run begin and end, the same for all workers.
//
//   connecting -> warm-up -> measurement -> grace
//
// The warm-up begins just after the last worker has connected. The measurement ends at its time, or
// early: by a signal, or when no connection is left.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace load_test {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

/// Any thread may call everything.
class Schedule {
 public:
  /// With `ends_unused` the run ends at once when there is no connection to put load on.
  Schedule(std::chrono::nanoseconds warmup, std::chrono::nanoseconds duration,
           std::uint32_t workers, bool ends_unused)
      : warmup_(warmup),
        duration_(duration),
        ends_unused_(ends_unused),
        connecting_workers_(workers) {}

  /// A worker has this many connections, and waits for the others. The last one starts the time.
  void arrive(std::uint64_t connections) {
    live_connections_.fetch_add(connections);
    initial_connections_.fetch_add(connections);
    if (connecting_workers_.fetch_sub(1) != 1) return;
    const TimePoint now = Clock::now();
    const bool unused = ends_unused_ && live_connections_ == 0;
    begin_ = now + kHeadStart;
    measure_begin_ = begin_ + warmup_;
    end_ = unused ? now : measure_begin_ + duration_;
    started_.store(true, std::memory_order_release);
  }
  bool started() const { return started_.load(std::memory_order_acquire); }

  /// From here on only after started().
  TimePoint begin() const { return begin_; }
  TimePoint measure_begin() const { return measure_begin_; }
  TimePoint end() const { return end_.load(std::memory_order_relaxed); }
  bool measures(TimePoint time) const { return time >= measure_begin() && time < end(); }
  std::uint64_t initial_connections() const { return initial_connections_; }
  std::chrono::nanoseconds measured() const {
    return std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(end() - measure_begin()));
  }

  /// The last one to be lost ends the run. It may be lost before its worker arrives.
  void lose_connection() {
    if (live_connections_.fetch_sub(1) == 1) end_by(Clock::now());
  }
  /// Moves the end forward, never back.
  void end_by(TimePoint time) {
    TimePoint planned = end_;
    while (time < planned && !end_.compare_exchange_weak(planned, time)) {
    }
  }

 private:
  // Until all workers have noticed that the run begins.
  static constexpr std::chrono::milliseconds kHeadStart{10};

  const std::chrono::nanoseconds warmup_;
  const std::chrono::nanoseconds duration_;
  const bool ends_unused_;
  std::atomic<std::uint32_t> connecting_workers_;
  std::atomic<std::uint64_t> live_connections_{0};
  std::atomic<std::uint64_t> initial_connections_{0};
  std::atomic<bool> started_{false};
  TimePoint begin_;  // this and the next: written before started_, constant afterwards
  TimePoint measure_begin_;
  std::atomic<TimePoint> end_{TimePoint::max()};
};

}  // namespace load_test
