// HttpConnection: the requests of one connection, one after the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "colibri/net/http_connections.h"
#include "colibri/net/http_exchange.h"
#include "colibri/net/http_server.h"

namespace colibri::net_detail {

/// What the connections of a server share. Any thread.
struct HttpServerState {
  HttpServerState(HttpServer::Handler its_handler, const HttpServerOptions& its_options)
      : handler(std::move(its_handler)), options(its_options) {}

  const HttpServer::Handler handler;
  const HttpServerOptions options;
  HttpConnections connections;
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};
};

/// To lie in the heap, so that little of it is in the frames of a parked coroutine, and so that
/// others can send on a WebSocket while these are elsewhere. One coroutine's.
class HttpConnection {
 public:
  /// Refers to the state, which must outlive it.
  HttpConnection(TcpStream stream, HttpServerState& state);

  /// Until the client or the server wants no more. Throws what handlers throw, once they have been
  /// answered for, and as TcpStream does.
  void serve();
  /// The end: hands over the stream, to be closed.
  TcpStream release() noexcept { return transport_.release(); }

 private:
  void serve_requests();
  bool serve_request();
  bool wait_for_request();
  void read_head();
  void call_handler(HttpExchange& exchange);
  void answer_for_failure(HttpExchange& exchange);
  void refuse(const HttpError& error);

  HttpServerState& state_;
  HttpTransport transport_;
  HttpRequestParser parser_;
  HttpRequest request_;
  bool is_unread_ = false;  // some of a request, and nobody will read it
};

}  // namespace colibri::net_detail
