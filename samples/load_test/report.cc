#include "samples/load_test/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "samples/load_test/chart.h"

namespace load_test {
namespace {

constexpr int kTicksOfTime = 6;

const char* const kPageStyle = R"css(
:root { color-scheme: light dark; --text: #1b1f24; --muted: #5a636e; --page: #fff; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ed; --muted: #a3acb7; --page: #14181d; --bad: #ff8b7e; }
}
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--page); color: var(--text);
  font: 16px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; }
.load { color: var(--muted); margin: 0 0 1rem; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem;
  margin: 0 0 1.5rem; }
.figures div { border: 1px solid var(--grid); border-radius: .4rem; padding: .5rem .75rem; }
.figures dt { color: var(--muted); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
.bad { color: var(--bad); }
.table { overflow-x: auto; margin-bottom: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; white-space: nowrap; padding: .25rem .75rem; border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
small { color: var(--muted); font-weight: 400; }
)css";

/// Three digits and a unit.
std::string time_text(double microseconds) {
  constexpr std::pair<double, const char*> kUnits[] = {{1e6, "s"}, {1e3, "ms"}, {1, "µs"}};
  for (const auto& [size, unit] : kUnits) {
    if (microseconds < size * 0.9995 && size != 1) continue;
    char text[32];
    std::snprintf(text, sizeof text, "%.3g %s", microseconds / size, unit);
    return text;
  }
  return {};
}

std::string load_text(const Result& result) {
  const Options& options = result.options;
  std::string text =
      what_is_sent(options) + ", " + std::to_string(options.connections) + " connections";
  if (options.depth > 1) text += ", depth " + std::to_string(options.depth);
  if (options.rate > 0) text += ", open loop at " + short_number(options.rate) + "/s";
  if (!options.stages.empty()) text += ", open loop of stages";
  if (!options.open_loop()) text += ", closed loop";
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, ", %.3g s",
                static_cast<double>(result.measured.count()) / 1e9);
  return text + seconds + (result.interrupted ? " (interrupted)" : "");
}

std::string figure(const char* name, const std::string& value, bool bad = false) {
  return std::string("<div><dt>") + name + "</dt><dd" + (bad ? " class=\"bad\"" : "") + '>' +
         escaped(value) + "</dd></div>\n";
}

std::string figures(const Result& result) {
  const Statistics& statistics = *result.statistics;
  auto at = [&](double percent) {
    return time_text(static_cast<double>(statistics.latency.percentile(percent)) / 1000);
  };
  const std::uint64_t errors = statistics.error_count();
  std::string text =
      "<dl class=\"figures\">\n" +
      figure("messages a second", short_number(result.messages_per_second())) +
      figure("p50", at(50)) + figure("p90", at(90)) + figure("p99", at(99)) +
      figure("p99.9", at(99.9)) + figure("slowest", at(100)) +
      figure("errors", std::to_string(errors), errors != 0) +
      figure("unanswered", std::to_string(statistics.unanswered), statistics.unanswered != 0);
  return text + "</dl>\n";
}

std::string remarks(const Result& result) {
  std::string text;
  if (!result.good()) text += "<p class=\"bad\">" + escaped(result.complaint()) + "</p>\n";
  for (const std::string& doubt : result.doubts()) {
    text += "<p><b>Doubt:</b> " + escaped(doubt) + ".</p>\n";
  }
  if (result.statistics->error_count() != 0) {
    text += "<p>Errors: " + escaped(errors_as_text(*result.statistics)) + ".</p>\n";
  }
  return text;
}

std::string stage_table(const Result& result) {
  const auto& stages = result.statistics->stages;
  if (stages.empty()) return {};
  std::string text =
      "<h2>Stages</h2>\n<div class=\"table\"><table><tr><th>stage<th>due<th>answered<th>p50"
      "<th>p99<th>slowest</tr>\n";
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const Histogram& latency = stages[i].latency;
    auto at = [&](double percent) {
      return "<td>" + time_text(static_cast<double>(latency.percentile(percent)) / 1000);
    };
    text += "<tr><td>" + escaped(result.options.stages[i].text()) + "<td>" +
            std::to_string(stages[i].due) + "<td>" + std::to_string(latency.count()) + at(50) +
            at(99) + at(100) + "</tr>\n";
  }
  return text + "</table></div>\n";
}

// Each further nine has the same width: where the slow ones are is what one looks for.
double place_of(double share_above) {
  return -std::log10(share_above);
}

std::string percentile_chart(const Result& result) {
  const Histogram& latency = result.statistics->latency;
  if (latency.count() < 2) return {};
  Series series{"latency", {}, {}};
  const auto all = static_cast<double>(latency.count());
  double seen = 0;
  for (const auto& [highest, count] : latency.excerpt().counts) {
    seen += static_cast<double>(count);
    series.x.push_back(place_of(std::max((all - seen) / all, 1 / all)));
    series.y.push_back(static_cast<double>(std::min(highest, latency.max())) / 1e6);
  }
  std::vector<Tick> ticks = {{0, "0 %"}};
  const Tick marks[] = {{0.5, "50 %", true}, {0.1, "90 %"},           {0.01, "99 %"},
                        {0.001, "99.9 %"},   {1e-4, "99.99 %", true}, {1e-5, "99.999 %"},
                        {1e-6, "", true}};
  for (const Tick& mark : marks) {
    if (mark.at > 1 / all) ticks.push_back({place_of(mark.at), mark.label, mark.minor});
  }
  ticks.push_back({place_of(1 / all), ""});
  return as_html(Chart{"Latency by percentile", "ms", {series}, ticks, "of the messages"});
}

/// One line for each way to look at a second.
template <class Seconds, class... Figures>
Chart over_time(const char* title, const char* unit, const Seconds& seconds, Figures... figures) {
  Chart chart{title, unit, {}, {}, "seconds"};
  auto add = [&](const auto& named) {
    Series series{named.first, {}, {}};
    for (std::size_t i = 0; i < seconds.size(); ++i) {
      series.x.push_back(static_cast<double>(i + 1));
      series.y.push_back(named.second(seconds[i]));
    }
    chart.series.push_back(std::move(series));
  };
  (add(figures), ...);
  const auto last = static_cast<double>(seconds.size());
  for (Tick& tick : round_ticks(last, kTicksOfTime)) {
    if (tick.at < last && tick.at == std::floor(tick.at)) chart.x_ticks.push_back(std::move(tick));
  }
  chart.x_ticks.push_back({last, short_number(last)});
  return chart;
}

std::string charts_over_time(const Result& result) {
  using Second = SecondSummary;
  if (result.seconds.size() < 2) return {};
  std::string text =
      as_html(over_time("Latency over time", "ms", result.seconds,
                        std::pair("p50", [](const Second& second) { return second.p50 / 1000; }),
                        std::pair("p90", [](const Second& second) { return second.p90 / 1000; }),
                        std::pair("p99", [](const Second& second) { return second.p99 / 1000; })));
  text += as_html(over_time(
      "Throughput over time", "messages a second", result.seconds,
      std::pair("answered", [](const Second& s) { return static_cast<double>(s.messages); })));
  return text + as_html(over_time("Errors over time", "a second", result.seconds,
                                  std::pair("errors", [](const Second& second) {
                                    return static_cast<double>(second.errors);
                                  })));
}

std::string charts_of_server(const Result& result) {
  if (result.server.size() < 2) return {};
  return as_html(
             over_time("Server's processor", "1 is all of one", result.server,
                       std::pair("processors",
                                 [](const ServerSecond& second) { return second.processors; }))) +
         as_html(over_time("Server's memory", "MB resident", result.server,
                           std::pair("memory", [](const ServerSecond& second) {
                             return static_cast<double>(second.resident_bytes) / 1e6;
                           })));
}

}  // namespace

std::string as_page(const Result& result) {
  const std::string title = "Load test of " + escaped(result.target);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         title + "</title>\n<style>" + kPageStyle + kChartStyle +
         "</style>\n</head>\n<body>\n<h1>" + title + "</h1>\n<p class=\"load\">" +
         escaped(load_text(result)) + "</p>\n" + figures(result) + remarks(result) +
         stage_table(result) + percentile_chart(result) + charts_over_time(result) +
         charts_of_server(result) + "</body>\n</html>\n";
}

}  // namespace load_test
