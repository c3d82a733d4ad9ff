// What the server under load uses, if it runs on this machine.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "samples/load_test/endpoint.h"
#include "samples/load_test/schedule.h"

namespace load_test {

/// One second of all processes of the server.
struct ServerSecond {
  double processors = 0;  // time of processors over time: 1 is all of one
  std::uint64_t resident_bytes = 0;
};

/// The processes that have a socket which listens on `target`, found by its port in /proc; none if
/// the address is not of this machine, or the processes are of another user or network namespace.
std::vector<pid_t> listeners_on(const Endpoint& target);

/// Reads what processes use, second by second. Belongs to one thread.
class ServerWatch {
 public:
  explicit ServerWatch(std::vector<pid_t> processes) : processes_(std::move(processes)) {}

  /// The body of a coroutine, to be cancelled when the run is over: reads at the beginning of the
  /// measurement and at the end of each of its seconds.
  void watch(const Schedule& schedule);

  /// Those that are complete; none if no process was found.
  const std::vector<ServerSecond>& seconds() const { return seconds_; }

 private:
  struct Usage {
    std::chrono::nanoseconds processor_time{0};
    std::uint64_t resident_bytes = 0;
  };
  /// Nothing when one of the processes has ended.
  std::optional<Usage> read_usage() const;

  const std::vector<pid_t> processes_;
  std::vector<ServerSecond> seconds_;
};

}  // namespace load_test
