// The result of a run, and its forms for people and for programs.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "samples/load_test/options.h"
#include "samples/load_test/server_watch.h"
#include "samples/load_test/statistics.h"
#include "samples/load_test/sweep.h"
#include "samples/load_test/timeline.h"

namespace load_test {

/// A value; owns all that it refers to.
struct Result {
  Options options;
  std::string target;  // the numeric address
  std::shared_ptr<const Statistics> statistics;
  std::chrono::nanoseconds measured;  // shorter than asked when the run ended early
  bool interrupted;
  std::vector<SecondSummary> seconds;  // of the measurement, whole ones
  std::vector<ServerSecond> server;  // the same ones; none: it does not run here, or was not found

  double messages_per_second() const;
  double megabytes_per_second() const;  // of 10^6 bytes, received
  /// Nothing failed and nothing is missing.
  bool good() const;
  /// A sentence on what went wrong first, empty if nothing did.
  std::string complaint() const;
  /// Sentences on why the figures may say more of this program than of the server; none: they do
  /// not.
  std::vector<std::string> doubts() const;
};

/// What the run says for a sweep, whose load it was at one rate.
SweepOutcome outcome_of(const Result& result);

/// Errors by kind, as "3 reset, 1 closed"; "none".
std::string errors_as_text(const Statistics& statistics);
/// "64-byte messages", "GET / over TLS".
std::string what_is_sent(const Options& options);
/// As on the command line.
std::string_view name_of(Protocol protocol);

/// Some lines for people.
std::string as_text(const Result& result);
/// One object for programs. Members may be added, and keep their meaning.
std::string as_json(const Result& result);
/// A line a second of the measurement, below one with the names of the columns.
std::string as_csv(const Result& result);

}  // namespace load_test
