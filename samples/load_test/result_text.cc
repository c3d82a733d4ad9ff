#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "samples/load_test/result.h"

namespace load_test {
namespace {

double microseconds(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1000;
}

unsigned long long number(const Count& count) {
  return count.value();
}

[[gnu::format(printf, 1, 2)]] std::string format(const char* text, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, text);
  std::vsnprintf(line, sizeof line, text, arguments);
  va_end(arguments);
  return line;
}

std::string headline(const Result& result) {
  const Options& options = result.options;
  std::string text = format("%s, %u connections, %s, ", result.target.c_str(), options.connections,
                            what_is_sent(options).c_str());
  if (options.depth != 0) text += format("depth %u, ", options.depth);
  if (options.rate > 0) text += format("open loop at %g/s, ", options.rate);
  if (!options.stages.empty()) text += format("open loop of %zu stages, ", options.stages.size());
  return text + format("%.3f s%s\n", static_cast<double>(result.measured.count()) / 1e9,
                       result.interrupted ? " (interrupted)" : "");
}

std::string percentiles(const Histogram& latency) {
  auto at = [&](double percent) { return microseconds(latency.percentile(percent)); };
  return format("p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n", at(50), at(90), at(99),
                at(99.9), microseconds(latency.max()));
}

std::string stages(const Result& result) {
  std::string text;
  for (std::size_t i = 0; i < result.statistics->stages.size(); ++i) {
    const StageStatistics& stage = result.statistics->stages[i];
    text += format("  %-22s %llu due, %llu answered", result.options.stages[i].text().c_str(),
                   static_cast<unsigned long long>(stage.due),
                   static_cast<unsigned long long>(stage.latency.count()));
    text += stage.latency.count() == 0 ? "\n" : "; us " + percentiles(stage.latency);
  }
  return text;
}

std::string connections(const Result& result) {
  const Statistics& statistics = *result.statistics;
  std::string text =
      format("connections  %llu of %u and %llu of %u silent ones opened, %llu lost\n",
             number(statistics.established), result.options.connections,
             number(statistics.idle_established), result.options.idle, number(statistics.lost));
  if (statistics.renewed != 0) {
    text += format("renewed      %llu connections that the server closed in order\n",
                   static_cast<unsigned long long>(statistics.renewed));
  }
  return text;
}

std::string server(const Result& result) {
  if (result.server.empty()) return {};
  double processors = 0;
  std::uint64_t most_bytes = 0;
  for (const ServerSecond& second : result.server) {
    processors += second.processors / static_cast<double>(result.server.size());
    most_bytes = std::max(most_bytes, second.resident_bytes);
  }
  return format("server       %.0f %% of a processor, %.1f MB resident at most\n", processors * 100,
                static_cast<double>(most_bytes) / 1e6);
}

std::string tester(const Result& result) {
  const Statistics& statistics = *result.statistics;
  std::string text =
      format("tester       busiest thread %.0f %% of a processor", statistics.busiest_thread * 100);
  if (result.options.open_loop()) {
    text += format("; sent %llu of %llu messages more than 1 ms late, at most %.1f us",
                   static_cast<unsigned long long>(statistics.late),
                   static_cast<unsigned long long>(statistics.due),
                   microseconds(statistics.latest_send));
  }
  text += '\n';
  for (const std::string& doubt : result.doubts()) text += "doubt        " + doubt + '\n';
  return text;
}

}  // namespace

std::string as_text(const Result& result) {
  const Statistics& statistics = *result.statistics;
  std::string text = headline(result);
  text += format("messages     %llu, %.0f/s, %.2f MB/s received\n", number(statistics.messages),
                 result.messages_per_second(), result.megabytes_per_second());
  text += "latency us   ";
  text +=
      statistics.latency.count() == 0 ? "no message measured\n" : percentiles(statistics.latency);
  text += stages(result);
  text += connections(result);
  text += "errors       " + errors_as_text(statistics);
  text += format("; %llu messages unanswered\n",
                 static_cast<unsigned long long>(statistics.unanswered));
  return text + server(result) + tester(result);
}

}  // namespace load_test
