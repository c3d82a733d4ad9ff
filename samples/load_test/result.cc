#include "samples/load_test/result.h"

#include <algorithm>
#include <cstdio>

namespace load_test {
namespace {

// From here on a thread has no time left for what comes at once with something else.
constexpr double kBusy = 0.9;
// The share of messages which this program itself may send late.
constexpr double kFewLate = 0.01;

/// The quotient, and 0 for a time of 0.
double per_second(double number, std::chrono::nanoseconds time) {
  return time.count() <= 0 ? 0 : number * 1e9 / static_cast<double>(time.count());
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

}  // namespace

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

SweepOutcome outcome_of(const Result& result) {
  const Statistics& statistics = *result.statistics;
  SweepOutcome outcome;
  // What this program came not to send is due as well.
  const double due = result.options.rate * static_cast<double>(result.measured.count()) / 1e9;
  outcome.answered =
      due == 0 ? 0 : std::min(1.0, static_cast<double>(statistics.messages.value()) / due);
  outcome.p99 = static_cast<double>(statistics.latency.percentile(99)) / 1000;
  outcome.errors = statistics.error_count();
  outcome.doubtful = !result.doubts().empty();
  return outcome;
}

std::vector<std::string> Result::doubts() const {
  std::vector<std::string> doubts;
  if (statistics->busiest_thread >= kBusy) {
    doubts.push_back("a thread of the tester was busy for " + percent(statistics->busiest_thread) +
                     " of the time: the server may be able to do more; try --threads, or another "
                     "machine");
  }
  const double late = statistics->due == 0 ? 0
                                           : static_cast<double>(statistics->late) /
                                                 static_cast<double>(statistics->due);
  if (late > kFewLate) {
    doubts.push_back("the tester sent " + percent(late) +
                     " of the messages more than a millisecond late: their latencies are its own "
                     "in part");
  }
  return doubts;
}

}  // namespace load_test
