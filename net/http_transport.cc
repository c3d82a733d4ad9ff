#include "colibri/net/http_transport.h"

#include <cerrno>
#include <optional>

#include "colibri/core/canceled.h"
#include "colibri/core/deadline.h"
#include "colibri/net/http_message.h"

namespace colibri::net_detail {

HttpTransport::HttpTransport(std::unique_ptr<HttpStream> stream, const HttpServerOptions& options,
                             HttpConnections& all)
    : stream_(std::move(stream)),
      idle_(options.idle),
      reader_(stream_->bytes(), options.header_bytes),
      writer_(stream_->bytes()),
      membership_(all, this->stream().descriptor()) {
  // Of reads, requests have their own limits, and handlers may have theirs.
  this->stream().set_timeouts({.write = options.write});
}

/// Makes a call that reads, and notes whether the client has kept to the rules.
template <class Read>
auto HttpTransport::watch(Read read) {
  try {
    return read();
  } catch (const std::system_error& error) {
    has_bad_client_ = error.code() == std::errc::protocol_error;
    throw;
  }
}

// Waiting for what need not come -----------------------------------------------------------------

/// The next try asks the kernel, since an event may be on its way.
void forget_drained(int descriptor) noexcept {
  if (DescriptorState* state = state_of(descriptor)) state->drained(Direction::kRead) = false;
}

/// `look()` says what is there: true for bytes, false for the end, nothing for neither.
template <class Look>
HttpArrival HttpTransport::await(std::chrono::milliseconds patience, bool until_stop, Look look) {
  TcpStream& tcp = stream();
  if (!may_begin_call()) tcp.fail("read from");
  CallDeadline deadline(patience);
  // What has come before the stop is served. Those who wait when it comes are woken to look.
  if (until_stop && stopping()) forget_drained(tcp.descriptor());
  for (;;) {
    if (const std::optional<bool> is_there = look()) {
      return *is_there ? HttpArrival::kBytes : HttpArrival::kEnd;
    }
    if (until_stop && stopping()) return HttpArrival::kStop;
    if (wait_for(tcp.descriptor(), Direction::kRead, deadline.get())) continue;
    // A TimeLimit of the handler's own may have come first.
    if (errno != ETIMEDOUT || !deadline.get().has_passed()) tcp.fail("read from");
    return HttpArrival::kLate;
  }
}

bool HttpTransport::shake_hands() {
  if (!stream_->begins_with_handshake()) return true;
  const auto look = [this] { return stream().is_readable() ? std::optional(true) : std::nullopt; };
  if (await(idle_, true, look) != HttpArrival::kBytes) return false;
  watch([this] { stream_->shake_hands(); });
  return true;
}

HttpArrival HttpTransport::read_idle(std::chrono::milliseconds patience, bool until_stop) {
  const auto look = [this] { return reader_.try_read_more(); };
  try {
    return watch([&] { return await(patience, until_stop, look); });
  } catch (const std::system_error& error) {
    // It was cut off, as far as TLS knows; many clients close like that, and nothing is missing.
    if (error.code() != std::errc::connection_aborted) throw;
    return HttpArrival::kEnd;
  }
}

bool HttpTransport::wait_for_request() {
  writer_.flush();
  return read_idle(idle_, true) == HttpArrival::kBytes;
}

// Requests and answers ---------------------------------------------------------------------------

void HttpTransport::read_more(Deadline deadline) {
  writer_.flush();
  bool is_there = false;
  try {
    const TimeLimit limit(deadline);
    is_there = watch([this] { return reader_.read_more(); });
  } catch (const std::system_error& error) {
    // A TimeLimit of the handler's own may have come first.
    if (error.code() != std::errc::timed_out || !deadline.has_passed()) throw;
    throw HttpError(408, "the request took too long");
  }
  if (!is_there) throw HttpError(400, "the stream ended within the request");
}

void HttpTransport::begin_open_answer() noexcept {
  has_open_answer_ = true;
  // At once, so that it holds however the connection ends: cancelled, abandoned, or killed.
  stream().set_reset_on_close(true);
}

void HttpTransport::end_open_answer() {
  writer_.flush();
  stream().set_reset_on_close(false);
  has_open_answer_ = false;
}

void HttpTransport::linger() try {
  constexpr std::size_t kMostBytes = std::size_t{1} << 20;
  const TimeLimit limit(std::chrono::seconds(2));
  writer_.flush();
  stream_->shutdown_write();
  std::size_t passed = 0;
  do {
    passed += reader_.buffered().size();
    reader_.consume(reader_.buffered().size());
  } while (passed < kMostBytes && reader_.read_more());
} catch (const Canceled&) {
  throw;
} catch (const std::system_error&) {
  // Then it does end with a reset.
}

}  // namespace colibri::net_detail
