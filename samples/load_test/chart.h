// Plots as inline SVG, for a page that needs nothing else.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace load_test {

/// A line of a chart. Points are in the order of x.
struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
};

/// A mark on an axis.
struct Tick {
  double at = 0;
  std::string label;
  bool minor = false;  // without a label where there is little room
};

struct Chart {
  std::string title;
  std::string unit;            // of y, behind the title
  std::vector<Series> series;  // up to four
  std::vector<Tick> x_ticks;   // the first and the last are the ends of the axis
  std::string x_name;
};

/// About `number` ticks at round numbers, from 0 to at least `largest`.
std::vector<Tick> round_ticks(double largest, int number);

/// "12.5k" for 12500; three digits.
std::string short_number(double number);

/// With the entities that HTML wants instead of its own characters.
std::string escaped(const std::string& text);

/// A <figure>. The lines stretch to whatever width there is; labels are text beside them, of the
/// page's own size. Classes are those of chart_style.
std::string as_html(const Chart& chart);

/// The style sheet of all charts, light and dark.
extern const char* const kChartStyle;

}  // namespace load_test
