#include "samples/load_test/sweep.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace load_test {
namespace {

// An open loop ends with some messages in flight.
constexpr double kEnoughAnswered = 0.98;
constexpr double kSlowerThanAtFirst = 10;
constexpr double kFastEnough = 1000;  // microseconds

constexpr unsigned kFewestSteps = 2;
constexpr unsigned kMostSteps = 100;
constexpr double kHighestRate = 1e8;

/// Takes a number from the front of `text`; false if there is none.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc();
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

bool in_order(const SweepPlan& plan) {
  return plan.from >= 0.001 && plan.to > plan.from && plan.to <= kHighestRate &&
         plan.steps >= kFewestSteps && plan.steps <= kMostSteps;
}

class Sweeper {
 public:
  Sweeper(const SweepPlan& plan, const std::function<SweepOutcome(double)>& measure)
      : plan_(plan), measure_(measure) {
    result_.p99_limit = plan.p99_limit;
  }

  SweepResult run() {
    const double factor = std::pow(plan_.to / plan_.from, 1.0 / (plan_.steps - 1));
    for (unsigned i = 0; i < plan_.steps && !result_.first_lost; ++i) {
      try_rate(plan_.from * std::pow(factor, i));
    }
    for (unsigned i = 0; i < plan_.refinements && result_.knee && result_.first_lost; ++i) {
      try_rate(std::sqrt(*result_.knee * *result_.first_lost));
    }
    return result_;
  }

 private:
  void try_rate(double rate) {
    SweepStep step{rate, measure_(rate), {}};
    if (result_.p99_limit == 0) {
      result_.p99_limit = std::max(kSlowerThanAtFirst * step.outcome.p99, kFastEnough);
    }
    step.failure = failure_of(step.outcome);
    (step.failure.empty() ? result_.knee : result_.first_lost) = rate;
    result_.steps.push_back(step);
  }

  std::string failure_of(const SweepOutcome& outcome) const {
    if (outcome.errors != 0) return "errors";
    if (outcome.answered < kEnoughAnswered) return "not all answered in time";
    if (outcome.p99 > result_.p99_limit) return "p99 above the limit";
    return {};
  }

  const SweepPlan& plan_;
  const std::function<SweepOutcome(double)>& measure_;
  SweepResult result_;
};

std::string conclusion(const SweepResult& result) {
  char text[160];
  if (!result.knee) {
    std::snprintf(text, sizeof text, "no knee found: not even %.0f/s are kept up with\n",
                  *result.first_lost);
  } else if (!result.first_lost) {
    std::snprintf(text, sizeof text, "no knee found: even %.0f/s are kept up with\n", *result.knee);
  } else {
    std::snprintf(text, sizeof text, "knee between %.0f/s and %.0f/s\n", *result.knee,
                  *result.first_lost);
  }
  return text;
}

}  // namespace

SweepPlan parse_sweep(std::string_view text) {
  SweepPlan plan;
  std::string_view rest = text;
  bool good = take_number(rest, plan.from) && take(rest, '-') && take_number(rest, plan.to);
  if (good && take(rest, ':')) good = take_number(rest, plan.steps);
  if (good && rest.empty() && in_order(plan)) return plan;
  throw std::invalid_argument("'" + std::string(text) +
                              "' is no sweep: it wants two rates, the lower first, and may have a "
                              "number of steps, as in 1000-64000:12");
}

SweepResult sweep(const SweepPlan& plan, const std::function<SweepOutcome(double)>& measure) {
  return Sweeper(plan, measure).run();
}

std::string as_text(const SweepResult& result) {
  std::string text = "     rate/s   answered     p99 us\n";
  bool doubtful = false;
  for (const SweepStep& step : result.steps) {
    char line[160];
    std::snprintf(line, sizeof line, "%11.0f  %7.2f %%  %9.1f  %s%s\n", step.rate,
                  step.outcome.answered * 100, step.outcome.p99,
                  step.failure.empty() ? "kept up" : step.failure.c_str(),
                  step.outcome.doubtful ? " (the tester's own limit?)" : "");
    text += line;
    doubtful = doubtful || (step.outcome.doubtful && !step.failure.empty());
  }
  text += conclusion(result);
  if (doubtful) text += "doubt: the tester itself may have been the limit; try --threads\n";
  return text;
}

std::string as_json(const SweepResult& result) {
  using Json = nlohmann::ordered_json;
  auto number_or_null = [](const std::optional<double>& number) {
    return number ? Json(*number) : Json();
  };
  Json steps = Json::array();
  for (const SweepStep& step : result.steps) {
    steps.push_back({{"rate", step.rate},
                     {"answered", step.outcome.answered},
                     {"p99_us", step.outcome.p99},
                     {"errors", step.outcome.errors},
                     {"doubtful", step.outcome.doubtful},
                     {"failure", step.failure}});
  }
  const Json json = {{"knee", number_or_null(result.knee)},
                     {"first_lost", number_or_null(result.first_lost)},
                     {"p99_limit_us", result.p99_limit},
                     {"steps", steps}};
  return json.dump(2) + "\n";
}

}  // namespace load_test
