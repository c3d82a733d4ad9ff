// HttpServer: HTTP/1.1 for services. Not a web framework: it knows neither paths nor files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "colibri/net/http_exchange.h"
#include "colibri/net/http_options.h"
#include "colibri/net/tcp_server.h"

namespace colibri {

namespace net_detail {
struct HttpServerState;
}

/// What became of requests; what became of connections is in `tcp`.
struct HttpServerCounters {
  std::uint64_t requests = 0;  // whose head was good
  std::uint64_t refused = 0;   // heads and bodies that were bad, too long or too late
  TcpServerCounters tcp{};     // of connections
};

/// A coroutine for each connection, which serves its requests in turn. Listens from its making on;
/// serves while run is called. Methods may be called by any thread and coroutine, unless they say
/// otherwise.
class HttpServer {
 public:
  /// Answers one request. What it throws: HttpError is the answer, and the connection stays if it
  /// can; any other exception is answered with 500 if nothing has been sent, and ends the
  /// connection. It is logged and counted as by TcpServer: a std::system_error that says that a
  /// connection was lost or that a time was over is taken for the client's, and only counted, also
  /// where it is of the handler's own making, as from a database. It is called on several threads
  /// at once if the server has several.
  using Handler = std::function<void(HttpExchange&)>;

  /// Throws std::system_error as TcpListener does.
  HttpServer(const Address& address, Handler handler, const HttpServerOptions& options = {});
  /// With listeners that are there already; see TcpServer.
  HttpServer(std::vector<TcpListener> listeners, Handler handler,
             const HttpServerOptions& options = {});
  /// Not while run is called.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// As TcpServer::run. When the server is asked to stop, connections on which no request has begun
  /// are closed at once, and others when their request has been answered; WebSockets that wait for
  /// a message are told so (1001), and may take two seconds to agree.
  void run() { server_->run(); }
  void stop() const noexcept { server_->stop(); }
  bool stopping() const noexcept { return server_->stopping(); }

  /// As those of TcpServer.
  Address address() const { return server_->address(); }
  HttpServerCounters counters() const noexcept;

  /// What it stands on, for ListenerHandover and the counters of threads. Its run is not to be
  /// called.
  TcpServer& tcp() noexcept { return *server_; }

 private:
  const std::shared_ptr<net_detail::HttpServerState> state_;
  const std::unique_ptr<TcpServer> server_;
};

}  // namespace colibri
