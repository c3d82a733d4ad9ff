#include "samples/load_test/statistics.h"

#include <algorithm>
#include <cerrno>

namespace load_test {

std::string_view name_of(ErrorKind kind) {
  static constexpr std::array<std::string_view, kErrorKinds> kNames = {
      "refused",    "reset",     "timed_out", "closed",      "mismatch",      "bad_status",
      "short_body", "bad_reply", "tls",       "unreachable", "no_local_port", "other"};
  return kNames[static_cast<std::size_t>(kind)];
}

ErrorKind kind_of_errno(int error) {
  switch (error) {
    case ECONNREFUSED:
      return ErrorKind::kRefused;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:  // a write after the reset
      return ErrorKind::kReset;
    case ETIMEDOUT:
      return ErrorKind::kTimedOut;
    case EPROTO:  // said by TlsTransport alone
      return ErrorKind::kTls;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      return ErrorKind::kUnreachable;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      return ErrorKind::kNoLocalPort;
    default:
      return ErrorKind::kOther;
  }
}

std::uint64_t Statistics::error_count() const {
  std::uint64_t sum = 0;
  for (const Count& count : errors) sum += count.value();
  return sum;
}

void Statistics::merge(const Statistics& other) {
  established.add(other.established.value());
  idle_established.add(other.idle_established.value());
  lost.add(other.lost.value());
  messages.add(other.messages.value());
  all_messages.add(other.all_messages.value());
  received_bytes.add(other.received_bytes.value());
  for (std::size_t i = 0; i < kErrorKinds; ++i) errors[i].add(other.errors[i].value());
  latency.merge(other.latency);
  unanswered += other.unanswered;
  renewed += other.renewed;
  stages.resize(std::max(stages.size(), other.stages.size()));
  for (std::size_t i = 0; i < other.stages.size(); ++i) {
    stages[i].due += other.stages[i].due;
    stages[i].latency.merge(other.stages[i].latency);
  }
  due += other.due;
  late += other.late;
  busiest_thread = std::max(busiest_thread, other.busiest_thread);
  latest_send = std::max(latest_send, other.latest_send);
  if (first_error.empty()) first_error = other.first_error;
}

}  // namespace load_test
