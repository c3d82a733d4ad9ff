#include "samples/load_test/result.h"

#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace load_test {
namespace {

double microseconds(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1000;
}

/// The quotient, and 0 for a time of 0.
double per_second(double number, std::chrono::nanoseconds time) {
  return time.count() <= 0 ? 0 : number * 1e9 / static_cast<double>(time.count());
}

[[gnu::format(printf, 1, 2)]] std::string format(const char* text, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, text);
  std::vsnprintf(line, sizeof line, text, arguments);
  va_end(arguments);
  return line;
}

std::string errors_as_text(const Statistics& statistics) {
  std::string text;
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    const std::uint64_t number = statistics.errors[i].value();
    if (number == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::to_string(number) + " " + std::string(name_of(static_cast<ErrorKind>(i)));
  }
  return text.empty() ? "none" : text;
}

/// "64-byte messages", "GET /".
std::string what_is_sent(const Options& options) {
  std::string text = std::to_string(options.message_bytes) + "-byte messages";
  if (options.protocol == Protocol::kFramedEcho) text = "framed " + text;
  if (options.protocol == Protocol::kHttp) {
    text = options.body_bytes == 0
               ? "GET " + options.path
               : "POST " + options.path + " of " + std::to_string(options.body_bytes) + " bytes";
  }
  return options.tls ? text + " over TLS" : text;
}

std::string_view name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kEcho:
      return "echo";
    case Protocol::kFramedEcho:
      return "framed-echo";
    case Protocol::kHttp:
      break;
  }
  return "http";
}

}  // namespace

double Result::messages_per_second() const {
  return per_second(static_cast<double>(statistics->messages.value()), measured);
}

double Result::megabytes_per_second() const {
  return per_second(static_cast<double>(statistics->received_bytes.value()), measured) / 1e6;
}

bool Result::good() const {
  return complaint().empty();
}

std::string Result::complaint() const {
  if (!statistics->first_error.empty()) return statistics->first_error;
  if (statistics->unanswered != 0) {
    return std::to_string(statistics->unanswered) + " messages to " + target + " were not answered";
  }
  if (statistics->error_count() != 0) return "there were errors: " + errors_as_text(*statistics);
  if (options.connections != 0 && statistics->messages.value() == 0 && !interrupted) {
    return "no reply came within the measurement";
  }
  return {};
}

std::string as_text(const Result& result) {
  const Statistics& statistics = *result.statistics;
  const Histogram& latency = statistics.latency;
  auto at = [&](double percent) { return microseconds(latency.percentile(percent)); };
  auto number = [](const Count& count) { return static_cast<unsigned long long>(count.value()); };
  std::string text = format("%s, %u connections, %s, ", result.target.c_str(),
                            result.options.connections, what_is_sent(result.options).c_str());
  if (result.options.depth != 0) text += format("depth %u, ", result.options.depth);
  if (result.options.open_loop()) text += format("open loop at %g/s, ", result.options.rate);
  text += format("%.3f s%s\n", static_cast<double>(result.measured.count()) / 1e9,
                 result.interrupted ? " (interrupted)" : "");
  text += format("messages     %llu, %.0f/s, %.2f MB/s received\n", number(statistics.messages),
                 result.messages_per_second(), result.megabytes_per_second());
  text += latency.count() == 0
              ? "latency us   no message measured\n"
              : format("latency us   p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n", at(50),
                       at(90), at(99), at(99.9), microseconds(latency.max()));
  text += format("connections  %llu of %u and %llu of %u silent ones opened, %llu lost\n",
                 number(statistics.established), result.options.connections,
                 number(statistics.idle_established), result.options.idle, number(statistics.lost));
  if (statistics.renewed != 0) {
    text += format("renewed      %llu connections that the server closed in order\n",
                   static_cast<unsigned long long>(statistics.renewed));
  }
  text += "errors       " + errors_as_text(statistics);
  text += format("; %llu messages unanswered\n",
                 static_cast<unsigned long long>(statistics.unanswered));
  if (result.options.open_loop()) {
    text += format("own delay    at most %.1f us: the tester's share in the latencies\n",
                   microseconds(statistics.latest_send));
  }
  return text;
}

std::string as_json(const Result& result) {
  const Options& options = result.options;
  const Statistics& statistics = *result.statistics;
  const Histogram& latency = statistics.latency;
  nlohmann::ordered_json errors;
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    errors[std::string(name_of(static_cast<ErrorKind>(i)))] = statistics.errors[i].value();
  }
  const nlohmann::ordered_json json = {
      {"target", result.target},
      {"threads", options.threads},
      {"protocol", name_of(options.protocol)},
      {"tls", options.tls},
      {"message_bytes", options.message_bytes},
      {"depth", options.depth},
      {"rate", options.rate},
      {"verify", options.verify},
      {"seconds", static_cast<double>(result.measured.count()) / 1e9},
      {"interrupted", result.interrupted},
      {"good", result.good()},
      {"complaint", result.complaint()},
      {"connections",
       {{"asked", options.connections},
        {"established", statistics.established.value()},
        {"idle_asked", options.idle},
        {"idle_established", statistics.idle_established.value()},
        {"lost", statistics.lost.value()},
        {"renewed", statistics.renewed}}},
      {"messages", statistics.messages.value()},
      {"messages_per_second", result.messages_per_second()},
      {"megabytes_per_second", result.megabytes_per_second()},
      {"unanswered", statistics.unanswered},
      {"latency_us",
       {{"samples", latency.count()},
        {"min", microseconds(latency.min())},
        {"mean", latency.mean() / 1000},
        {"p50", microseconds(latency.percentile(50))},
        {"p90", microseconds(latency.percentile(90))},
        {"p99", microseconds(latency.percentile(99))},
        {"p99_9", microseconds(latency.percentile(99.9))},
        {"max", microseconds(latency.max())}}},
      {"own_delay_us", microseconds(statistics.latest_send)},
      {"errors", errors}};
  return json.dump(2) + "\n";
}

}  // namespace load_test
