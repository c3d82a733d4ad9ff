// Finds the knee of a server: the highest rate that it keeps up with.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace load_test {

struct SweepPlan {
  double from = 0;  // messages a second
  double to = 0;
  unsigned steps = 8;    // from the one to the other, each rate the same times the one before
  double p99_limit = 0;  // microseconds; 0: ten times the p99 of the first step, or 1 ms if more
  unsigned refinements =
      3;  // halvings between the last rate that was kept and the first that was not
};

/// What a run at one rate has shown.
struct SweepOutcome {
  double answered = 0;  // of the messages due within the measurement, the share answered within it
  double p99 = 0;       // microseconds
  std::uint64_t errors = 0;
  bool doubtful = false;  // the tester itself may have been the limit
};

struct SweepStep {
  double rate = 0;
  SweepOutcome outcome;
  /// Why the server did not keep up; empty: it did.
  std::string failure;
};

struct SweepResult {
  std::vector<SweepStep> steps;  // in the order of the runs
  double p99_limit = 0;          // that was applied
  std::optional<double> knee;    // the highest rate that was kept up with; none: not even the first
  std::optional<double> first_lost;  // the lowest that was not; none: even the highest
};

/// Reads "1000-64000" or "1000-64000:12", with the number of steps, from 2 to 100. Throws
/// std::invalid_argument with a sentence.
SweepPlan parse_sweep(std::string_view text);

/// Calls `measure` with one rate after another, until the server keeps up no more; then with rates
/// between. What `measure` throws ends the sweep.
SweepResult sweep(const SweepPlan& plan, const std::function<SweepOutcome(double rate)>& measure);

/// Some lines for people.
std::string as_text(const SweepResult& result);
/// One object for programs.
std::string as_json(const SweepResult& result);

}  // namespace load_test
