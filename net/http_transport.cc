#include "colibri/net/http_transport.h"

#include "colibri/core/canceled.h"
#include "colibri/core/deadline.h"
#include "colibri/net/http_message.h"

namespace colibri::net_detail {

HttpTransport::HttpTransport(TcpStream stream, const HttpServerOptions& options,
                             HttpConnections& all)
    : stream_(std::move(stream)),
      idle_(options.idle),
      reader_(stream_, options.header_bytes),
      writer_(stream_),
      membership_(all, stream_.descriptor()) {
  stream_.set_timeouts({.write = options.write});
}

/// Within a request there are other limits, and handlers may have their own.
void HttpTransport::set_idle(std::chrono::milliseconds idle) noexcept {
  stream_.set_timeouts({.idle = idle, .write = stream_.timeouts().write});
}

bool HttpTransport::wait_for_request() {
  writer_.flush();
  set_idle(idle_);
  bool is_there = false;
  try {
    is_there = reader_.read_more();
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::timed_out) throw;
  }
  set_idle({});
  return is_there;
}

void HttpTransport::read_more(Deadline deadline) {
  writer_.flush();
  bool is_there = false;
  try {
    const TimeLimit limit(deadline);
    is_there = reader_.read_more();
  } catch (const std::system_error& error) {
    // A TimeLimit of the handler's own may have come first.
    if (error.code() != std::errc::timed_out || !deadline.has_passed()) throw;
    throw HttpError(408, "the request took too long");
  }
  if (!is_there) throw HttpError(400, "the stream ended within the request");
}

void HttpTransport::linger() try {
  constexpr std::size_t kMostBytes = std::size_t{1} << 20;
  const TimeLimit limit(std::chrono::seconds(2));
  writer_.flush();
  stream_.shutdown_write();
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
