// Two results beside each other: is the second better, or is it noise?
//
// Each figure is known for every second of each run. Of the means over the seconds, the difference
// is given with an interval of 95 %, by Welch's method for samples whose variances differ (B. L.
// Welch, "The generalization of 'Student's' problem when several different population variances are
// involved", Biometrika 34, 1947). Seconds that follow one another are alike, so that a run has
// fewer independent ones than it has seconds: their number is lowered by the correlation of
// neighbours, to n (1 - r) / (1 + r) (G. V. Bayley and J. M. Hammersley, "The 'effective' number of
// independent observations in an autocorrelated time series", J. R. Stat. Soc. Suppl. 8, 1946).
//
// An interval that has 0 in it shows no difference. One that has not shows that these two runs
// differ by more than the noise within them; what differs from run to run, only more runs show.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace load_test {

/// A difference of means, second minus first, and the interval around it. A value.
struct Difference {
  double first_mean = 0;
  double second_mean = 0;
  double half_width = 0;  // infinite when there are too few samples to tell

  double mean() const { return second_mean - first_mean; }
  bool is_shown() const { return mean() > half_width || mean() < -half_width; }
};

/// At least this many seconds of each, or nothing is shown.
inline constexpr std::size_t kFewestSamples = 5;

/// How many independent samples these are worth: at least 2, at most their number.
double effective_number(std::span<const double> samples);

Difference compare_means(std::span<const double> first, std::span<const double> second);

/// A figure in both results.
struct ComparedFigure {
  std::string name;
  bool more_is_better = false;
  Difference difference;
};

struct Comparison {
  std::vector<ComparedFigure> figures;
  std::vector<std::string> warnings;  // sentences on what is not comparable, or doubtful
};

/// Reads two results as load_test --json prints them. Throws std::runtime_error with a sentence if
/// one is no such result.
Comparison compare_results(const std::string& first_json, const std::string& second_json);

/// Some lines for people.
std::string as_text(const Comparison& comparison);
std::string as_json(const Comparison& comparison);

}  // namespace load_test
