// HttpBodyReader: the body of a request, read as it comes.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "colibri/core/deadline.h"
#include "colibri/net/http_parser.h"
#include "colibri/net/http_transport.h"

namespace colibri {

/// A request without a body has an empty one. One coroutine's.
///
/// A client that waits for leave to send it (Expect: 100-continue) gets it with the first read.
/// Reads throw HttpError, which handlers do well to let pass: 400 for chunks that are none and for
/// a stream that ends, 413 for too much, 408 for too late; and as TcpStream does.
class HttpBodyReader {
 public:
  /// The next bytes, as many as are there and fit: how many; 0 at the end, and for an empty buffer.
  std::size_t read_some(std::span<std::byte> buffer);
  /// All that was not read yet; HttpServerOptions::body_bytes limits it.
  std::string read_all();
  /// It was read to its end.
  bool is_done() const noexcept { return parser_.is_done(); }

  /// The server's own. Refers to the others, which must outlive it. `expects_continue`: the client
  /// waits. `timeout`: for all of it; zero: none.
  HttpBodyReader(net_detail::HttpTransport& transport, net_detail::HttpRequestParser& parser,
                 bool expects_continue, std::chrono::milliseconds timeout) noexcept;
  /// The server's own: an answer has begun, after which no leave can be given. True if the client
  /// goes on waiting for it.
  bool withhold_continue() noexcept;
  /// The server's own: a read has thrown, and where the body ends will never be known.
  bool has_failed() const noexcept { return has_failed_; }
  /// The server's own: passes over the rest. False if it is too long for that, or no body.
  bool skip();

 private:
  std::size_t read_part(std::span<std::byte> buffer);
  void wait_for_more();

  net_detail::HttpTransport& transport_;
  net_detail::HttpRequestParser& parser_;
  bool expects_continue_;
  bool may_continue_ = true;
  bool has_failed_ = false;
  const std::chrono::milliseconds timeout_;
  Deadline deadline_;  // from the first wait on
};

}  // namespace colibri
