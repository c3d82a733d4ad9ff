// The metrics as text: for Prometheus, and as JSON. Names, labels and their values are colibri's
// own, and hold nothing that would have to be escaped.
#include <fmt/format.h>

#include <iterator>

#include "colibri/core/inspect/metrics.h"

namespace colibri {
namespace {

std::string_view name_of(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      break;
  }
  return "histogram";
}

/// Appends to a text by formats.
class Text {
 public:
  explicit Text(std::string& text) : text_(text) {}

  template <class... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }
  /// A comma, but before the first of several.
  void separate(bool& is_first) {
    if (!is_first) text_ += ',';
    is_first = false;
  }

 private:
  std::string& text_;
};

// Prometheus -------------------------------------------------------------------------------------

std::string labels_of(const MetricSample& sample, std::string_view more = {}) {
  std::string labels;
  for (const auto& [name, value] : sample.labels) {
    labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", name, value);
  }
  if (!more.empty()) labels += fmt::format("{}{}", labels.empty() ? "" : ",", more);
  return labels.empty() ? labels : '{' + labels + '}';
}

void add_histogram(Text& text, std::string_view name, const MetricSample& sample) {
  const std::vector<double>& bounds = metric_bucket_bounds();
  for (std::size_t i = 0; i < sample.cumulative.size(); ++i) {
    const std::string bound = i < bounds.size() ? fmt::format("{}", bounds[i]) : "+Inf";
    text.add("{}_bucket{} {}\n", name, labels_of(sample, "le=\"" + bound + '"'),
             sample.cumulative[i]);
  }
  text.add("{}_sum{} {}\n", name, labels_of(sample), sample.sum);
  text.add("{}_count{} {}\n", name, labels_of(sample), sample.cumulative.back());
}

// JSON -------------------------------------------------------------------------------------------

void add_json_numbers(Text& text, const MetricSample& sample) {
  if (sample.cumulative.empty()) return text.add("\"value\":{}", sample.value);
  text.add("\"count\":{},\"sum\":{},\"buckets\":[", sample.cumulative.back(), sample.sum);
  const std::vector<double>& bounds = metric_bucket_bounds();
  bool is_first = true;
  for (std::size_t i = 0; i < sample.cumulative.size(); ++i) {
    text.separate(is_first);
    const std::string bound = i < bounds.size() ? fmt::format("{}", bounds[i]) : "null";
    text.add("[{},{}]", bound, sample.cumulative[i]);
  }
  text.add("]");
}

void add_json_sample(Text& text, const MetricSample& sample) {
  text.add("{{\"labels\":{{");
  bool is_first = true;
  for (const auto& [name, value] : sample.labels) {
    text.separate(is_first);
    text.add("\"{}\":\"{}\"", name, value);
  }
  text.add("}},");
  add_json_numbers(text, sample);
  text.add("}}");
}

}  // namespace

void write_prometheus(std::string& result) {
  Text text(result);
  for (const MetricFamily& family : collect_metrics()) {
    text.add("# HELP {} {}\n# TYPE {} {}\n", family.name, family.help, family.name,
             name_of(family.type));
    for (const MetricSample& sample : family.samples) {
      if (family.type == MetricType::kHistogram) {
        add_histogram(text, family.name, sample);
      } else {
        text.add("{}{} {}\n", family.name, labels_of(sample), sample.value);
      }
    }
  }
}

void write_json(std::string& result) {
  Text text(result);
  text.add("{{");
  bool is_first = true;
  for (const MetricFamily& family : collect_metrics()) {
    text.separate(is_first);
    text.add("\"{}\":{{\"type\":\"{}\",\"help\":\"{}\",\"samples\":[", family.name,
             name_of(family.type), family.help);
    bool is_first_sample = true;
    for (const MetricSample& sample : family.samples) {
      text.separate(is_first_sample);
      add_json_sample(text, sample);
    }
    text.add("]}}");
  }
  text.add("}}");
}

}  // namespace colibri
