#include "samples/load_test/stage.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <utility>

namespace load_test {
namespace {

constexpr double kHighestRate = 1e8;
constexpr double kLongestSeconds = 1e6;

constexpr std::array<std::pair<std::string_view, Stage::Kind>, 3> kKinds = {
    {{"ramp", Stage::Kind::kRamp}, {"hold", Stage::Kind::kHold}, {"spike", Stage::Kind::kSpike}}};

// With what follows the number; the empty one last, since every text ends with it.
constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
    {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"", 1}}};

[[noreturn]] void fail(std::string_view text, std::string_view problem) {
  throw std::invalid_argument("'" + std::string(text) + "' is no stage: " + std::string(problem));
}

/// The number that is all of `text`, if it lies within the limits.
std::optional<double> number_in(std::string_view text, double smallest, double largest) {
  double value = 0;
  const auto end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  const bool good = error == std::errc() && stopped == end && value >= smallest && value <= largest;
  return good ? std::optional(value) : std::nullopt;
}

/// What comes before `delimiter`, which is taken away, too.
std::string_view take_until(std::string_view& text, char delimiter) {
  const auto at = std::min(text.find(delimiter), text.size());
  const auto part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

std::optional<std::chrono::nanoseconds> duration_in(std::string_view text) {
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const auto& each) { return text.ends_with(each.first); });
  text.remove_suffix(unit->first.size());
  const auto value = number_in(text, 0.001, kLongestSeconds);
  if (!value) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(*value * unit->second * 1e9));
}

}  // namespace

std::string Stage::text() const {
  const auto kind_name = kKinds[static_cast<std::size_t>(kind)].first;
  char line[128];
  if (kind == Kind::kHold) {
    std::snprintf(line, sizeof line, "hold:%g:", from);
  } else {
    std::snprintf(line, sizeof line, "%s:%g-%g:", kind_name.data(), from, to);
  }
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%gs", static_cast<double>(duration.count()) / 1e9);
  return std::string(line) + seconds;
}

Stage parse_stage(std::string_view text) {
  std::string_view rest = text;
  const auto name = take_until(rest, ':');
  std::string_view rates = take_until(rest, ':');
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                 [&](const auto& each) { return each.first == name; });
  if (kind == kKinds.end()) fail(text, "it begins with ramp:, hold: or spike:");

  Stage stage{.kind = kind->second};
  const auto from = number_in(take_until(rates, '-'), 0, kHighestRate);
  const bool holds = stage.kind == Stage::Kind::kHold;
  const auto to = holds ? from : number_in(rates, 0, kHighestRate);
  if (!from || !to || (holds && !rates.empty())) {
    fail(text, holds ? "it wants one rate, as in hold:1000:10s"
                     : "it wants two rates, as in ramp:0-1000:5s");
  }
  stage.from = *from;
  stage.to = *to;
  const auto duration = duration_in(rest);
  if (!duration) fail(text, "it ends with a time, as in hold:1000:10s");
  stage.duration = *duration;
  return stage;
}

}  // namespace load_test
