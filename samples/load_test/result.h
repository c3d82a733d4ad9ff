// The result of a run, for people and for programs.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "samples/load_test/options.h"
#include "samples/load_test/statistics.h"

namespace load_test {

/// A value; owns all that it refers to.
struct Result {
  Options options;
  std::string target;  // the numeric address
  std::shared_ptr<const Statistics> statistics;
  std::chrono::nanoseconds measured;  // shorter than asked when the run ended early
  bool interrupted;

  double messages_per_second() const;
  double megabytes_per_second() const;  // of 10^6 bytes, received
  /// Nothing failed and nothing is missing.
  bool good() const;
  /// A sentence on what went wrong first, empty if nothing did.
  std::string complaint() const;
};

/// Some lines for people.
std::string as_text(const Result& result);
/// One object for programs.
std::string as_json(const Result& result);

}  // namespace load_test
