// The result of a run, for people and for programs.
#pragma once

#include <chrono>
#include <string>

#include "samples/load_test/options.h"
#include "samples/load_test/statistics.h"

namespace load_test {

struct Result {
  const Options& options;
  std::string target;  // the numeric address
  const Statistics& statistics;
  std::chrono::nanoseconds measured;  // shorter than asked when the run ended early
  bool interrupted;

  double messages_per_second() const;
  double megabytes_per_second() const;  // of 10^6 bytes, in one direction
  /// Nothing failed and nothing is missing.
  bool good() const;
  /// A sentence on what went wrong first, empty if nothing did.
  std::string complaint() const;
};

std::string as_text(const Result& result);
std::string as_json(const Result& result);

}  // namespace load_test
