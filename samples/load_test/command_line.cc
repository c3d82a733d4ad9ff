#include "samples/load_test/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace load_test {
namespace {

constexpr double kLongestSeconds = 1e6;
constexpr std::uint64_t kLargestMessage = 64 << 20;
// Several different ones are in memory at once.
constexpr std::uint64_t kLargestFrame = 16 << 20;
// A timestamp a message in flight is kept, so depth costs eight bytes a connection each.
constexpr std::uint32_t kLargestDepth = 65536;
// Each has a histogram a thread.
constexpr std::size_t kMostStages = 100;

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

Protocol protocol_of(const std::string& name) {
  if (name == "http") return Protocol::kHttp;
  return name == "framed-echo" ? Protocol::kFramedEcho : Protocol::kEcho;
}

/// What could end the request, or begin another one, is a mistake.
bool has_control_characters(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0 && c < 32) || c == 127; });
}

CLI::Validator target() {
  auto check = [](std::string& text) -> std::string {
    const bool good = text.starts_with('/') && !has_control_characters(text) &&
                      text.find_first_of(" #") == std::string::npos;
    return good ? "" : "'" + text + "' is no path: it begins with / and has no space";
  };
  return CLI::Validator(check, "PATH");
}

CLI::Validator header_line() {
  auto check = [](std::string& text) -> std::string {
    const auto colon = text.find(':');
    const bool good = colon != 0 && colon != std::string::npos && !has_control_characters(text) &&
                      text.find(' ') > colon;
    return good ? "" : "'" + text + "' is no header line, \"Name: value\"";
  };
  return CLI::Validator(check, "LINE");
}

/// Of what a function reads that throws std::invalid_argument.
template <class Read>
CLI::Validator checked_by(Read read, const char* name) {
  auto check = [read](std::string& text) -> std::string {
    try {
      read(text);
      return {};
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  };
  return CLI::Validator(check, name);
}

/// Options as CLI11 wants them, and what it cannot say.
class Parser {
 public:
  Parser();
  /// Throws CLI::ParseError.
  CommandLine parse(int argc, const char* const* argv);
  int exit(const CLI::ParseError& error) { return app_.exit(error); }

 private:
  void add_load();
  void add_protocol();
  void add_tls();
  void add_times();
  void add_sweep();
  void add_compare();
  void refuse_nonsense() const;
  void refuse(const char* option, bool without, const char* reason) const;

  CLI::App app_{"Puts a server under load and measures its answers.", "load_test"};
  CommandLine line_;
  Options& options_ = line_.options;
  std::vector<std::string> stages_;
  std::string protocol_ = "echo";
  std::string sweep_;
  double p99_limit_ = 0;
  double warmup_ = 0;
  double duration_ = 5;
  double connect_timeout_ = 5;
  double grace_ = 2;
  bool insecure_ = false;
};

Parser::Parser() {
  app_.option_defaults()->always_capture_default();
  add_load();
  add_protocol();
  add_tls();
  add_times();
  add_sweep();
  add_compare();
  app_.add_flag("--json", line_.json, "the result as one JSON object on stdout");
  app_.add_option("--csv", line_.csv_file, "a file for a line a second");
  app_.add_option("--report", line_.report_file, "a file for a page of HTML with plots");
}

void Parser::add_load() {
  app_.add_option("--host", options_.host, "name or numeric address, IPv4 or IPv6");
  app_.add_option("--port", options_.port, "TCP port")->check(CLI::Range(1, 65535));
  app_.add_option("--connections", options_.connections, "connections that send")
      ->check(CLI::Range(0, 10'000'000));
  app_.add_option("--idle", options_.idle, "silent connections besides, held to the end")
      ->check(CLI::Range(0, 10'000'000));
  app_.add_option("--threads", options_.threads, "schedulers, one a thread")
      ->check(CLI::Range(1, 1024));
  app_.add_option(
          "--depth", options_.depth,
          "messages in flight a connection; an echo in an open loop has no limit unless given")
      ->check(CLI::Range(std::uint32_t{1}, kLargestDepth));
  app_.add_option("--rate", options_.rate,
                  "open loop: messages a second over all connections, each due at its time and\n"
                  "timed from then, so that a stall shows in full")
      ->check(messages_per_second());
  app_.add_option("--stage", stages_,
                  "open loop, may be repeated, one after another: ramp:FROM-TO:TIME,\n"
                  "hold:RATE:TIME, spike:FROM-PEAK:TIME, as in ramp:0-1000:5s")
      ->check(checked_by(parse_stage, "STAGE"))
      ->allow_extra_args(false);
}

void Parser::add_protocol() {
  app_.add_option("--protocol", protocol_,
                  "echo: bytes come back; framed-echo: each message has its size before it, four\n"
                  "bytes, big-endian; http: HTTP/1.1, connections kept")
      ->check(CLI::IsMember({"echo", "framed-echo", "http"}));
  app_.add_option("--message-bytes", options_.message_bytes, "echo: size of a message")
      ->check(CLI::Range(std::uint64_t{1}, kLargestMessage));
  app_.add_option("--path", options_.path, "http: what to ask for")->check(target());
  app_.add_option("--body-bytes", options_.body_bytes, "http: POST with so long a body; 0: GET")
      ->check(CLI::Range(std::uint64_t{0}, kLargestMessage));
  app_.add_option("--header", options_.headers,
                  "http: a further line, or another Host; may be repeated")
      ->check(header_line())
      ->allow_extra_args(false);
  app_.add_flag("--verify", options_.verify,
                "check every byte of every echo; of http, that all bodies are the same");
}

void Parser::add_tls() {
  app_.add_flag("--tls", options_.tls, "over TLS; the server's certificate is checked");
  app_.add_option("--ca", options_.authorities, "tls: believe those of this file (PEM)")
      ->check(CLI::ExistingFile);
  app_.add_option("--server-name", options_.server_name,
                  "tls: whom the certificate must be for, if not the host");
  app_.add_flag("--insecure", insecure_, "tls: do not check the certificate");
}

void Parser::add_times() {
  app_.add_option("--warmup", warmup_, "seconds of load before the measurement")
      ->check(seconds_from(0));
  app_.add_option("--duration", duration_, "seconds of the measurement")
      ->check(seconds_from(0.001));
  app_.add_option("--connect-timeout", connect_timeout_, "seconds a connection may take")
      ->check(seconds_from(0.001));
  app_.add_option("--grace", grace_, "seconds to await replies after the end")
      ->check(seconds_from(0));
}

void Parser::add_sweep() {
  app_.add_option("--sweep", sweep_,
                  "look for the highest rate that is kept up with: FROM-TO or FROM-TO:STEPS;\n"
                  "--warmup and --duration hold for each rate")
      ->check(checked_by(parse_sweep, "SWEEP"));
  app_.add_option("--p99-limit", p99_limit_,
                  "sweep: milliseconds; 0: ten times the p99 of the lowest rate, or 1")
      ->check(CLI::Range(0.0, 1e6));
}

void Parser::add_compare() {
  CLI::App* compare =
      app_.add_subcommand("compare", "tells a difference of two results from noise");
  compare->add_option("FIRST", line_.compared[0], "what --json printed")
      ->required()
      ->check(CLI::ExistingFile);
  compare->add_option("SECOND", line_.compared[1], "what --json printed later")
      ->required()
      ->check(CLI::ExistingFile);
  compare->add_flag("--json", line_.json, "as one JSON object on stdout");
}

/// Refuses the option if it is given although `without` is true.
void Parser::refuse(const char* option, bool without, const char* reason) const {
  if (without && app_.count(option) != 0) throw CLI::ValidationError(option, reason);
}

void Parser::refuse_nonsense() const {
  if (options_.connections == 0 && options_.idle == 0) {
    throw CLI::ValidationError("--connections", "must not be 0 without --idle");
  }
  refuse("--rate", options_.connections == 0, "needs at least one connection");
  refuse("--stage", options_.connections == 0, "needs at least one connection");
  for (const char* option : {"--rate", "--duration", "--warmup"}) {
    refuse(option, !stages_.empty(), "is said by --stage already");
  }
  refuse("--sweep", options_.connections == 0, "needs at least one connection");
  for (const char* option : {"--rate", "--stage", "--csv", "--report"}) {
    refuse(option, !sweep_.empty(), "has no meaning with --sweep");
  }
  refuse("--p99-limit", sweep_.empty(), "needs --sweep");
  if (stages_.size() > kMostStages) throw CLI::ValidationError("--stage", "100 at most");
  const bool http = options_.protocol == Protocol::kHttp;
  refuse("--message-bytes", http, "is for echoes; a request of HTTP has --body-bytes");
  for (const char* option : {"--path", "--body-bytes", "--header"}) {
    refuse(option, !http, "needs --protocol http");
  }
  for (const char* option : {"--ca", "--server-name", "--insecure"}) {
    refuse(option, !options_.tls, "needs --tls");
  }
  refuse("--ca", insecure_, "has no meaning with --insecure, which believes anybody");
  if (options_.protocol == Protocol::kFramedEcho && options_.message_bytes > kLargestFrame) {
    throw CLI::ValidationError("--message-bytes", "is 16777216 at most for framed-echo");
  }
}

CommandLine Parser::parse(int argc, const char* const* argv) {
  app_.parse(argc, argv);
  if (app_.got_subcommand("compare")) {
    line_.task = CommandLine::Task::kCompare;
    return line_;
  }
  options_.protocol = protocol_of(protocol_);
  refuse_nonsense();
  if (!sweep_.empty()) {
    line_.task = CommandLine::Task::kSweep;
    line_.sweep = parse_sweep(sweep_);
    line_.sweep.p99_limit = p99_limit_ * 1000;
  }
  for (const std::string& text : stages_) options_.stages.push_back(parse_stage(text));
  // Requests of HTTP in flight on one connection at once are for those who ask for it.
  const bool open_loop = options_.open_loop() || !sweep_.empty();
  const bool unlimited = open_loop && options_.protocol != Protocol::kHttp;
  if (unlimited && app_.count("--depth") == 0) options_.depth = 0;
  options_.verify_server = !insecure_;
  options_.warmup = to_duration(warmup_);
  options_.duration = to_duration(duration_);
  options_.connect_timeout = to_duration(connect_timeout_);
  options_.grace = to_duration(grace_);
  return line_;
}

}  // namespace

std::optional<CommandLine> parse_command_line(int argc, const char* const* argv, int& exit_status) {
  Parser parser;
  try {
    return parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_status = parser.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
}

}  // namespace load_test
