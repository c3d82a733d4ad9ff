// What a run is to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "samples/load_test/stage.h"

namespace load_test {

enum class Protocol : std::uint8_t {
  kEcho,        // bytes come back
  kFramedEcho,  // messages come back, each with its size before it: four bytes, big-endian
  kHttp,        // HTTP/1.1, connections kept
};

/// As `load_test --help` has it. The defaults here are those of the command line.
struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7777;
  std::uint32_t connections = 100;
  std::uint32_t idle = 0;  // silent connections besides
  std::uint32_t threads = 1;
  Protocol protocol = Protocol::kEcho;
  std::uint64_t message_bytes = 64;  // of an echo, without what frames it
  std::string path = "/";            // of HTTP, as are the next two
  std::uint64_t body_bytes = 0;      // 0: GET; else POST
  std::vector<std::string> headers;  // lines besides Content-Length; one of them may be Host
  bool tls = false;
  std::string authorities;    // TLS: a file in PEM; empty: whom the system believes
  std::string server_name;    // TLS: for which the certificate must be; empty: the host
  bool verify_server = true;  // TLS: false believes anybody
  /// Messages in flight a connection; 0 is no limit, which only an open loop may have.
  std::uint32_t depth = 1;
  /// Messages a second over all connections; 0 is a closed loop.
  double rate = 0;
  /// Rates one after another, instead of `rate` and `duration`; they begin with the warm-up, which
  /// should be 0.
  std::vector<Stage> stages;
  std::chrono::nanoseconds warmup{0};
  std::chrono::nanoseconds duration = std::chrono::seconds(5);
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  /// How long replies are awaited after the end.
  std::chrono::nanoseconds grace = std::chrono::seconds(2);
  /// Checks every byte of an echo; of HTTP, that each body is the same as the first.
  bool verify = false;
  /// A line a second on stderr.
  bool live = false;

  bool open_loop() const { return rate > 0 || !stages.empty(); }
  /// How long the measurement is to last.
  std::chrono::nanoseconds measured_time() const {
    if (stages.empty()) return duration;
    std::chrono::nanoseconds sum{0};
    for (const Stage& stage : stages) sum += stage.duration;
    return sum;
  }
};

}  // namespace load_test
