#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

// The options of a benchmark program: `--name value`, `--name=value` and plain flags `--name`.
//
// Each accessor takes its option off the line; `finish` complains about what nobody took. A bad
// line ends the program with a sentence on stderr and status 2, so callers handle no errors.
class CommandLine {
 public:
  CommandLine(int argc, char** argv);

  std::string text(std::string_view name, std::string_view fallback);
  // A whole number from `least` to `most`; a value outside is refused.
  std::int64_t number(std::string_view name, std::int64_t fallback, std::int64_t least,
                      std::int64_t most);
  // Seconds as a decimal number, from 0 to 86,400.
  double seconds(std::string_view name, double fallback);
  bool flag(std::string_view name);
  // REQUIRES: every option the program knows has been asked for.
  void finish() const;

 private:
  // The value of option `name`, or `fallback` when the line does not have it.
  std::string take(std::string_view name, std::string_view fallback);
  [[noreturn]] void refuse(std::string_view what, std::string_view argument) const;

  std::string program_;
  std::vector<std::string> arguments_;
};

}  // namespace bench
