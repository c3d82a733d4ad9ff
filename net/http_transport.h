// HttpTransport: a connection's bytes, as requests and answers use them.
#pragma once

#include "colibri/net/buffered.h"
#include "colibri/net/http_connections.h"
#include "colibri/net/http_options.h"
#include "colibri/net/tcp_stream.h"

namespace colibri::net_detail {

/// Reads ahead, and writes behind: what was written is sent before anybody waits for more to read,
/// so that answers to requests that came together leave together. One coroutine's.
class HttpTransport {
 public:
  /// `all`, which must outlive it, has this connection meanwhile.
  HttpTransport(TcpStream stream, const HttpServerOptions& options, HttpConnections& all);

  TcpStream& stream() noexcept { return stream_; }
  BufferedReader& reader() noexcept { return reader_; }
  BufferedWriter& writer() noexcept { return writer_; }
  HttpConnections::Membership& membership() noexcept { return membership_; }

  /// Waits for the first byte of a request, as long as a connection may be idle. False if none
  /// comes any more: the stream has ended or the time is over.
  bool wait_for_request();
  /// Reads more of a request. Throws HttpError, 408 when the deadline has passed, and 400 if the
  /// stream ends.
  void read_more(Deadline deadline);
  /// Says that no more is sent, and passes over what the client may still be sending, for a while:
  /// bytes that nobody has read would make the kernel reset the connection, and the client might
  /// lose the last answer. A stream that fails is let go.
  void linger();

 private:
  void set_idle(std::chrono::milliseconds idle) noexcept;

  TcpStream stream_;
  const std::chrono::milliseconds idle_;
  BufferedReader reader_;
  BufferedWriter writer_;
  HttpConnections::Membership membership_;
};

}  // namespace colibri::net_detail
