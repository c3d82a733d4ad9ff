// What the command line asks for, checked before anything is opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace load_test {

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7777;
  std::uint32_t connections = 100;
  std::uint32_t idle = 0;  // silent connections besides
  std::uint32_t threads = 1;
  std::uint64_t message_bytes = 64;
  /// Messages in flight a connection; 0 is no limit, which only an open loop may have.
  std::uint32_t depth = 1;
  /// Messages a second over all connections; 0 is a closed loop.
  double rate = 0;
  std::chrono::nanoseconds warmup{0};
  std::chrono::nanoseconds duration{0};
  std::chrono::nanoseconds connect_timeout{0};
  /// How long replies are awaited after the end.
  std::chrono::nanoseconds grace{0};
  bool verify = false;
  bool json = false;

  bool open_loop() const { return rate > 0; }
};

/// The options, or nothing when the program has to end with `exit_status`: after --help, or after
/// a sentence about the mistake on stderr.
std::optional<Options> parse_options(int argc, char** argv, int& exit_status);

}  // namespace load_test
