// The command line of load_test, checked before anything is opened.
#pragma once

#include <optional>
#include <string>

#include "samples/load_test/options.h"

namespace load_test {

struct CommandLine {
  Options options;
  bool json = false;
  std::string csv_file;  // empty: none
};

/// What is asked for, or nothing when the program has to end with `exit_status`: after --help, or
/// after a sentence about the mistake on stderr.
std::optional<CommandLine> parse_command_line(int argc, const char* const* argv, int& exit_status);

}  // namespace load_test
