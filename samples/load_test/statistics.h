// What a run has seen: counted by each worker alone, merged at the end.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "samples/load_test/histogram.h"

namespace load_test {

/// Why a connection could not be opened, or ended; or a reply was not what was asked for.
enum class ErrorKind : std::uint8_t {
  kRefused,
  kReset,
  kTimedOut,     // connecting, or a reply that did not come by the end of the grace
  kClosed,       // the peer ended the stream
  kMismatch,     // a wrong byte, or more bytes than were sent
  kBadStatus,    // of HTTP: 4xx or 5xx; the connection goes on
  kShortBody,    // of HTTP: the stream ended within a response
  kBadReply,     // no HTTP at all
  kTls,          // a certificate that is not good, or what else TLS finds wrong
  kUnreachable,  // no route
  kNoLocalPort,
  kOther,
};
inline constexpr std::size_t kErrorKinds = 12;

std::string_view name_of(ErrorKind kind);  // in snake_case, as in the JSON result
ErrorKind kind_of_errno(int error);

/// A count that its own worker raises and the progress line reads: no locked instruction.
class Count {
 public:
  void add(std::uint64_t number) {
    value_.store(value_.load(std::memory_order_relaxed) + number, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Of the messages that were due within one stage.
struct StageStatistics {
  std::uint64_t due = 0;
  Histogram latency;  // nanoseconds, of those with a good reply
};

/// Of one worker; only Counts may be read by other threads while it runs.
struct Statistics {
  Count established;       // connections that send
  Count idle_established;  // silent ones
  Count lost;              // of both: ended before the run did
  Count messages;          // replies that came within the measurement
  Count all_messages;      // replies at any time, for the progress line
  Count received_bytes;    // within the measurement
  std::array<Count, kErrorKinds> errors;
  Histogram latency;             // nanoseconds, of messages that began within the measurement
  std::uint64_t unanswered = 0;  // messages begun, never replied to
  std::uint64_t renewed = 0;     // connections that HTTP's server closed in order, opened again
  std::vector<StageStatistics> stages;
  std::string first_error;  // a sentence about it, empty if there was none

  // How much of what was measured may be this program's own doing.
  std::uint64_t due = 0;   // open loop: messages that were due within the measurement
  std::uint64_t late = 0;  // of these, begun by this program more than kLate behind their time
  std::int64_t latest_send = 0;  // nanoseconds by which it was late at most
  double busiest_thread = 0;     // processor time over time, of the measurement; 1 is all of it

  static constexpr std::int64_t kLate = 1'000'000;  // nanoseconds

  void count_error(ErrorKind kind) { errors[static_cast<std::size_t>(kind)].add(1); }
  std::uint64_t error_count() const;
  void merge(const Statistics& other);
};

}  // namespace load_test
