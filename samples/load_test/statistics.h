// What a run has seen: counted by each worker alone, merged at the end.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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
  std::int64_t latest_send = 0;  // open loop: nanoseconds by which this program itself was late
  std::string first_error;       // a sentence about it, empty if there was none

  void count_error(ErrorKind kind) { errors[static_cast<std::size_t>(kind)].add(1); }
  std::uint64_t error_count() const;
  void merge(const Statistics& other);
};

}  // namespace load_test
