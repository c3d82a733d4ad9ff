// The command line of load_test, checked before anything is opened.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "samples/load_test/options.h"
#include "samples/load_test/sweep.h"

namespace load_test {

struct CommandLine {
  enum class Task : std::uint8_t {
    kRun,      // one load
    kSweep,    // one at each rate of a plan
    kCompare,  // two results of before
  };

  Task task = Task::kRun;
  Options options;
  SweepPlan sweep;
  std::array<std::string, 2> compared;  // names of files
  bool json = false;
  std::string csv_file;     // empty: none
  std::string report_file;  // empty: none
};

/// What is asked for, or nothing when the program has to end with `exit_status`: after --help, or
/// after a sentence about the mistake on stderr.
std::optional<CommandLine> parse_command_line(int argc, const char* const* argv, int& exit_status);

}  // namespace load_test
