// How an HttpServer serves.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "colibri/net/tcp_server.h"

namespace colibri {

namespace net_detail {
class HttpStream;
}

/// Puts something over TCP that HTTP goes through: http_over_tls makes one. Called on all threads
/// of a server. Empty: nothing.
using HttpProtection = std::function<std::unique_ptr<net_detail::HttpStream>(TcpStream)>;

/// Limits on what clients may send, and on how long they may take. Times of zero: for ever.
struct HttpServerOptions {
  /// Threads, connections, the stop. Its time-outs are not used: the others are below.
  TcpServerOptions tcp{};
  /// For https: http_over_tls of http_tls.h.
  HttpProtection protection{};
  /// The request line and all fields: 414 or 431 above. Each connection has a buffer of so many
  /// bytes.
  std::size_t header_bytes = 8192;
  /// A request's body: 413 above. 0: no limit, for handlers that read it in parts and count.
  std::uint64_t body_bytes = 1024 * 1024;
  /// Between two requests, and before the first: then the connection is closed.
  std::chrono::milliseconds idle{60'000};
  /// From the first byte of a head to its last: 408 after that.
  std::chrono::milliseconds header{10'000};
  /// From the first wait for a body to its end: 408 after that.
  std::chrono::milliseconds body{60'000};
  /// One write of an answer, in all: a client that does not read is let go after that.
  std::chrono::milliseconds write{60'000};
};

}  // namespace colibri
