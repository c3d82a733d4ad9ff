#include "samples/load_test/comparison.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace load_test {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kConfidence = 0.95;

double mean_of(std::span<const double> samples) {
  double sum = 0;
  for (const double sample : samples) sum += sample;
  return sum / static_cast<double>(samples.size());
}

/// Of neighbours `lag` apart, around their common mean; the sum, not divided by anything.
double sum_of_products(std::span<const double> samples, std::size_t lag) {
  const double mean = mean_of(samples);
  double sum = 0;
  for (std::size_t i = lag; i < samples.size(); ++i) {
    sum += (samples[i] - mean) * (samples[i - lag] - mean);
  }
  return sum;
}

/// What Welch's method needs of a sample.
struct Spread {
  explicit Spread(std::span<const double> samples)
      : number(effective_number(samples)),
        variance_of_mean(sum_of_products(samples, 0) / static_cast<double>(samples.size() - 1) /
                         number) {}

  double number;
  double variance_of_mean;
};

double degrees_of_freedom(const Spread& first, const Spread& second) {
  const double sum = first.variance_of_mean + second.variance_of_mean;
  auto part = [](const Spread& spread) {
    return spread.variance_of_mean * spread.variance_of_mean / (spread.number - 1);
  };
  return sum * sum / (part(first) + part(second));
}

struct FigureName {
  const char* key;
  const char* name;
  bool more_is_better;
};

constexpr FigureName kFigures[] = {{"messages", "messages/s", true},
                                   {"errors", "errors/s", false},
                                   {"p50_us", "p50 us", false},
                                   {"p90_us", "p90 us", false},
                                   {"p99_us", "p99 us", false}};

Json parse_result(const std::string& text, const char* which) {
  Json json = Json::parse(text, nullptr, false);
  const bool good = json.is_object() && json.contains("each_second") &&
                    json["each_second"].is_array() && json.contains("messages_per_second");
  if (good) return json;
  throw std::runtime_error(std::string("the ") + which +
                           " file is no result as load_test --json prints it");
}

std::vector<double> samples_of(const Json& result, const char* key) {
  std::vector<double> samples;
  for (const Json& second : result.at("each_second")) samples.push_back(second.at(key));
  return samples;
}

void warn_about(const Json& result, const char* which, std::vector<std::string>& warnings) {
  const std::string prefix = std::string("the ") + which + " result: ";
  if (const std::string complaint = result.value("complaint", ""); !complaint.empty()) {
    warnings.push_back(prefix + complaint);
  }
  if (!result.contains("tester")) return;
  for (const Json& doubt : result["tester"].value("doubts", Json::array())) {
    warnings.push_back(prefix + doubt.get<std::string>());
  }
}

std::vector<std::string> warnings_about(const Json& first, const Json& second) {
  std::vector<std::string> warnings;
  for (const char* key : {"what", "depth", "rate", "threads"}) {
    if (first.value(key, Json()) == second.value(key, Json())) continue;
    warnings.push_back(std::string("the loads differ: ") + key + " is " +
                       first.value(key, Json()).dump() + " and " +
                       second.value(key, Json()).dump());
  }
  warn_about(first, "first", warnings);
  warn_about(second, "second", warnings);
  const std::size_t fewest = std::min(first["each_second"].size(), second["each_second"].size());
  if (fewest < kFewestSamples) {
    warnings.push_back("too few seconds to tell anything: " + std::to_string(fewest) + " of " +
                       std::to_string(kFewestSamples));
  }
  return warnings;
}

std::string verdict(const ComparedFigure& figure) {
  const Difference& difference = figure.difference;
  if (!difference.is_shown()) return "no difference shown";
  return (difference.mean() > 0) == figure.more_is_better ? "better" : "worse";
}

std::string line_of(const ComparedFigure& figure) {
  const Difference& difference = figure.difference;
  char line[200];
  std::snprintf(line, sizeof line, "%-11s %12.1f %12.1f  ", figure.name.c_str(),
                difference.first_mean, difference.second_mean);
  std::string text = line;
  if (std::isfinite(difference.half_width) && difference.first_mean != 0) {
    const double percent = 100 / difference.first_mean;
    std::snprintf(line, sizeof line, "%+7.2f %% (%+.2f to %+.2f)  ", difference.mean() * percent,
                  (difference.mean() - difference.half_width) * percent,
                  (difference.mean() + difference.half_width) * percent);
    text += line;
  }
  return text + verdict(figure) + '\n';
}

}  // namespace

double effective_number(std::span<const double> samples) {
  const auto number = static_cast<double>(samples.size());
  const double spread = sum_of_products(samples, 0);
  if (spread == 0) return number;
  // That neighbours differ more than others is taken for chance.
  const double correlation = std::clamp(sum_of_products(samples, 1) / spread, 0.0, 0.99);
  return std::max(2.0, number * (1 - correlation) / (1 + correlation));
}

Difference compare_means(std::span<const double> first, std::span<const double> second) {
  Difference difference;
  difference.half_width = std::numeric_limits<double>::infinity();
  if (!first.empty()) difference.first_mean = mean_of(first);
  if (!second.empty()) difference.second_mean = mean_of(second);
  if (std::min(first.size(), second.size()) < kFewestSamples) return difference;

  const Spread first_spread(first);
  const Spread second_spread(second);
  const double variance = first_spread.variance_of_mean + second_spread.variance_of_mean;
  if (variance == 0) {
    difference.half_width = 0;
    return difference;
  }
  const boost::math::students_t distribution(degrees_of_freedom(first_spread, second_spread));
  difference.half_width =
      boost::math::quantile(distribution, (1 + kConfidence) / 2) * std::sqrt(variance);
  return difference;
}

Comparison compare_results(const std::string& first_json, const std::string& second_json) {
  const Json first = parse_result(first_json, "first");
  const Json second = parse_result(second_json, "second");
  Comparison comparison;
  try {
    for (const FigureName& figure : kFigures) {
      comparison.figures.push_back(
          {figure.name, figure.more_is_better,
           compare_means(samples_of(first, figure.key), samples_of(second, figure.key))});
    }
    comparison.warnings = warnings_about(first, second);
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(std::string("a result is damaged: ") + error.what());
  }
  return comparison;
}

std::string as_text(const Comparison& comparison) {
  std::string text = "                   first       second  difference (95 % interval)\n";
  for (const ComparedFigure& figure : comparison.figures) text += line_of(figure);
  for (const std::string& warning : comparison.warnings) text += "warning: " + warning + '\n';
  return text +
         "The intervals know the noise within the two runs, not that between runs: repeat both.\n";
}

std::string as_json(const Comparison& comparison) {
  Json figures = Json::array();
  for (const ComparedFigure& figure : comparison.figures) {
    const Difference& difference = figure.difference;
    const bool known = std::isfinite(difference.half_width);
    figures.push_back({{"name", figure.name},
                       {"first", difference.first_mean},
                       {"second", difference.second_mean},
                       {"difference", difference.mean()},
                       {"half_width", known ? Json(difference.half_width) : Json()},
                       {"verdict", verdict(figure)}});
  }
  const Json json = {
      {"confidence", kConfidence}, {"figures", figures}, {"warnings", comparison.warnings}};
  return json.dump(2) + "\n";
}

}  // namespace load_test
