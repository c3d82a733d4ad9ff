#include "samples/load_test/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

namespace load_test {
namespace {

// Of the lines' own coordinates, which the page stretches.
constexpr double kWidth = 1000;
constexpr double kHeight = 300;
constexpr int kTicksOfY = 4;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

/// From an axis to a stretch of coordinates.
struct Scale {
  double begin;
  double end;
  double length;

  double at(double value) const {
    return end == begin ? 0 : (value - begin) / (end - begin) * length;
  }
};

double largest_y(const Chart& chart) {
  double largest = 0;
  for (const Series& series : chart.series) {
    for (const double y : series.y) largest = std::max(largest, y);
  }
  return largest;
}

std::string line(const Series& series, std::size_t place, const Scale& x, const Scale& y) {
  std::string points;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    points += number(x.at(series.x[i])) + ',' + number(kHeight - y.at(series.y[i])) + ' ';
  }
  return "<polyline class=\"line line" + std::to_string(place) + "\" points=\"" + points +
         "\"><title>" + escaped(series.name) + "</title></polyline>\n";
}

std::string legend(const Chart& chart) {
  if (chart.series.size() < 2) return {};
  std::string text = "<p class=\"legend\">";
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    text += "<span><svg viewBox=\"0 0 30 10\" aria-hidden=\"true\"><path class=\"line line" +
            std::to_string(i) + "\" d=\"M0 5H30\"/></svg>" + escaped(chart.series[i].name) +
            "</span>";
  }
  return text + "</p>\n";
}

std::string labels(const char* name, const char* side, const std::vector<Tick>& ticks) {
  const Scale scale{ticks.front().at, ticks.back().at, 100};
  std::string text = std::string("<div class=\"") + name + "\">";
  for (const Tick& tick : ticks) {
    text += std::string(tick.minor ? "<span class=\"minor\" style=\"" : "<span style=\"") + side +
            ':' + number(scale.at(tick.at)) + "%\">" + escaped(tick.label) + "</span>";
  }
  return text + "</div>\n";
}

std::string plot(const Chart& chart, const std::vector<Tick>& y_ticks) {
  const Scale x{chart.x_ticks.front().at, chart.x_ticks.back().at, kWidth};
  const Scale y{0, y_ticks.back().at, kHeight};
  std::string text = "<svg class=\"plot\" viewBox=\"0 0 " + number(kWidth) + ' ' + number(kHeight) +
                     "\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" +
                     escaped(chart.title) + "\">\n";
  for (const Tick& tick : y_ticks) {
    text += "<path class=\"grid\" d=\"M0 " + number(kHeight - y.at(tick.at)) + 'H' +
            number(kWidth) + "\"/>";
  }
  for (const Tick& tick : chart.x_ticks) {
    text += "<path class=\"grid\" d=\"M" + number(x.at(tick.at)) + " 0V" + number(kHeight) + "\"/>";
  }
  text += '\n';
  for (std::size_t i = 0; i < chart.series.size(); ++i) text += line(chart.series[i], i, x, y);
  return text + "</svg>\n";
}

}  // namespace

// Lines differ in their dashes, too, for those who cannot tell the colours apart.
const char* const kChartStyle = R"css(
:root { --line0: #0b62c4; --line1: #b3530a; --line2: #a0218c; --line3: #287233; --grid: #d9dde2; }
@media (prefers-color-scheme: dark) {
  :root { --line0: #6db3ff; --line1: #ffa657; --line2: #f08bdc; --line3: #7ee08a; --grid: #343b44; }
}
figure { margin: 0 0 2rem; }
figcaption { font-weight: 600; margin-bottom: .25rem; }
.chart { display: grid; grid-template-columns: 3.5rem minmax(0, 1fr); padding-top: .5rem; }
.plot { width: 100%; height: 13rem; overflow: visible; display: block; }
.grid { stroke: var(--grid); stroke-width: 1; vector-effect: non-scaling-stroke; }
.line { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.line0 { stroke: var(--line0); }
.line1 { stroke: var(--line1); stroke-dasharray: 7 3; }
.line2 { stroke: var(--line2); stroke-dasharray: 2 3; }
.line3 { stroke: var(--line3); stroke-dasharray: 9 3 2 3; }
.y, .x { position: relative; font-size: .8rem; color: var(--muted); }
.y span, .x span { white-space: nowrap; }
@media (max-width: 40rem) { .minor { display: none; } }
.y span { position: absolute; right: .5rem; transform: translateY(50%); }
.x { grid-column: 2; height: 1.5rem; }
.x span { position: absolute; transform: translateX(-50%); padding-top: .2rem; }
.x span:last-child { transform: translateX(-100%); }
.x-name { text-align: right; font-size: .8rem; color: var(--muted); margin: 0; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; font-size: .9rem; }
.legend svg { width: 30px; height: 10px; margin-right: .4rem; }
)css";

std::vector<Tick> round_ticks(double largest, int number) {
  if (largest <= 0) largest = 1;
  const double rough = largest / number;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  }
  std::vector<Tick> ticks;
  const auto last = static_cast<int>(std::ceil(largest / step - 1e-9));
  for (int i = 0; i <= last; ++i) ticks.push_back({i * step, short_number(i * step)});
  return ticks;
}

std::string short_number(double value) {
  constexpr const char* kSuffixes[] = {"", "k", "M", "G", "T"};
  std::size_t suffix = 0;
  while (std::abs(value) >= 999.5 && suffix + 1 < std::size(kSuffixes)) {
    value /= 1000;
    ++suffix;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.3g%s", value, kSuffixes[suffix]);
  return text;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string as_html(const Chart& chart) {
  const std::vector<Tick> y_ticks = round_ticks(largest_y(chart), kTicksOfY);
  std::string text = "<figure>\n<figcaption>" + escaped(chart.title);
  if (!chart.unit.empty()) text += " <small>" + escaped(chart.unit) + "</small>";
  return text + "</figcaption>\n" + legend(chart) + "<div class=\"chart\">\n" +
         labels("y", "bottom", y_ticks) + plot(chart, y_ticks) +
         labels("x", "left", chart.x_ticks) + "</div>\n<p class=\"x-name\">" +
         escaped(chart.x_name) + "</p>\n</figure>\n";
}

}  // namespace load_test
