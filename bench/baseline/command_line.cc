#include "bench/baseline/command_line.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace bench {
namespace {

template <typename Number>
std::optional<Number> parse(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

CommandLine::CommandLine(int argc, char** argv) : program_(argc > 0 ? argv[0] : "program") {
  for (int i = 1; i < argc; ++i) arguments_.emplace_back(argv[i]);
}

std::string CommandLine::text(std::string_view name, std::string_view fallback) {
  return take(name, fallback);
}

std::int64_t CommandLine::number(std::string_view name, std::int64_t fallback, std::int64_t least,
                                 std::int64_t most) {
  const auto value = parse<std::int64_t>(take(name, std::to_string(fallback)));
  if (!value) refuse("not a whole number", name);
  if (*value < least || *value > most) refuse("value out of range", name);
  return *value;
}

double CommandLine::seconds(std::string_view name, double fallback) {
  const auto value = parse<double>(take(name, std::to_string(fallback)));
  if (!value) refuse("not a number of seconds", name);
  if (!(*value >= 0 && *value <= 86'400)) refuse("value out of range", name);
  return *value;
}

bool CommandLine::flag(std::string_view name) {
  return std::erase(arguments_, name) > 0;
}

void CommandLine::finish() const {
  if (!arguments_.empty()) refuse("unknown argument", arguments_.front());
}

std::string CommandLine::take(std::string_view name, std::string_view fallback) {
  const std::string with_equals = std::string(name) + "=";
  for (auto at = arguments_.begin(); at != arguments_.end(); ++at) {
    if (at->starts_with(with_equals)) {
      const std::string value = at->substr(with_equals.size());
      arguments_.erase(at);
      return value;
    }
    if (*at == name) {
      if (at + 1 == arguments_.end()) refuse("value missing", name);
      const std::string value = *(at + 1);
      arguments_.erase(at, at + 2);
      return value;
    }
  }
  return std::string(fallback);
}

void CommandLine::refuse(std::string_view what, std::string_view argument) const {
  std::fprintf(stderr, "%s: %.*s: %.*s\n", program_.c_str(), static_cast<int>(what.size()),
               what.data(), static_cast<int>(argument.size()), argument.data());
  std::exit(2);
}

}  // namespace bench
