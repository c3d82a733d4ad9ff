#include "samples/load_test/options.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>

namespace load_test {
namespace {

constexpr double kLongestSeconds = 1e6;
constexpr std::uint64_t kLargestMessage = 64 << 20;
// A timestamp a message in flight is kept, so depth costs eight bytes a connection each.
constexpr std::uint32_t kLargestDepth = 65536;

std::chrono::nanoseconds to_duration(double seconds) {
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

/// CLI11's own Range lets "nan" through, since every comparison with it is false.
CLI::Validator seconds_from(double smallest) {
  auto check = [smallest](std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= smallest && value <= kLongestSeconds) {
      return {};
    }
    return "'" + text + "' is not a number of seconds from " + CLI::detail::to_string(smallest) +
           " to a million";
  };
  return CLI::Validator(check, "SECONDS");
}

CLI::Validator messages_per_second() {
  auto check = [](std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= 0.001 && value <= 1e8) return {};
    return "'" + text + "' is not a rate from 0.001 to 100000000 messages a second";
  };
  return CLI::Validator(check, "PER_SECOND");
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_status) {
  Options options;
  double warmup = 0;
  double duration = 5;
  double connect_timeout = 5;
  double grace = 2;

  CLI::App app("Puts an echo server under load and measures its answers.", "load_test");
  app.option_defaults()->always_capture_default();
  app.add_option("--host", options.host, "name or numeric address, IPv4 or IPv6");
  app.add_option("--port", options.port, "TCP port")->check(CLI::Range(1, 65535));
  app.add_option("--connections", options.connections, "connections that send")
      ->check(CLI::Range(0, 10'000'000));
  app.add_option("--idle", options.idle, "silent connections besides, held to the end")
      ->check(CLI::Range(0, 10'000'000));
  app.add_option("--threads", options.threads, "schedulers, one a thread")
      ->check(CLI::Range(1, 1024));
  app.add_option("--message-bytes", options.message_bytes, "size of a message")
      ->check(CLI::Range(std::uint64_t{1}, kLargestMessage));
  CLI::Option* depth =
      app.add_option("--depth", options.depth,
                     "messages in flight a connection; with --rate no limit unless given")
          ->check(CLI::Range(std::uint32_t{1}, kLargestDepth));
  app.add_option("--rate", options.rate,
                 "open loop: messages a second over all connections, each due at its time and\n"
                 "timed from then, so that a stall shows in full")
      ->check(messages_per_second());
  app.add_option("--warmup", warmup, "seconds of load before the measurement")
      ->check(seconds_from(0));
  app.add_option("--duration", duration, "seconds of the measurement")->check(seconds_from(0.001));
  app.add_option("--connect-timeout", connect_timeout, "seconds a connection may take")
      ->check(seconds_from(0.001));
  app.add_option("--grace", grace, "seconds to await replies after the end")
      ->check(seconds_from(0));
  app.add_flag("--verify", options.verify, "check every byte of every reply");
  app.add_flag("--json", options.json, "the result as one JSON object on stdout");

  try {
    app.parse(argc, argv);
    if (options.connections == 0 && options.idle == 0) {
      throw CLI::ValidationError("--connections", "must not be 0 without --idle");
    }
    if (options.connections == 0 && options.open_loop()) {
      throw CLI::ValidationError("--rate", "needs at least one connection");
    }
  } catch (const CLI::ParseError& error) {
    exit_status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  if (options.open_loop() && depth->count() == 0) options.depth = 0;
  options.warmup = to_duration(warmup);
  options.duration = to_duration(duration);
  options.connect_timeout = to_duration(connect_timeout);
  options.grace = to_duration(grace);
  return options;
}

}  // namespace load_test
