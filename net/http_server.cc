#include "colibri/net/http_server.h"

#include "colibri/net/http_connection.h"

namespace colibri {
namespace {

using net_detail::HttpConnection;
using net_detail::HttpServerState;

std::shared_ptr<HttpServerState> make_state(HttpServer::Handler handler,
                                            const HttpServerOptions& options) {
  return std::make_shared<HttpServerState>(std::move(handler), options);
}

/// Takes the stream to the heap, and back for the server, which wants to say whose it was.
void serve_connection(TcpStream& stream, HttpServerState& state) {
  const auto connection = std::make_unique<HttpConnection>(std::move(stream), state);
  struct Return {
    HttpConnection& from;
    TcpStream& to;
    ~Return() { to = from.release(); }
  } const at_the_end{*connection, stream};
  connection->serve();
}

/// Connections may outlive the server, so they share the state.
TcpServer::Handler serve_with(std::shared_ptr<HttpServerState> state) {
  return [state = std::move(state)](TcpStream& stream) { serve_connection(stream, *state); };
}

/// With what HTTP has to do when the server stops.
TcpServerOptions tcp_options(std::shared_ptr<HttpServerState> state) {
  TcpServerOptions options = state->options.tcp;
  options.on_stop = [state = std::move(state), more = std::move(options.on_stop)] {
    state->connections.stop();
    if (more) more();
  };
  return options;
}

}  // namespace

HttpServer::HttpServer(const Address& address, Handler handler, const HttpServerOptions& options)
    : state_(make_state(std::move(handler), options)),
      server_(std::make_unique<TcpServer>(address, serve_with(state_), tcp_options(state_))) {}

HttpServer::HttpServer(std::vector<TcpListener> listeners, Handler handler,
                       const HttpServerOptions& options)
    : state_(make_state(std::move(handler), options)),
      server_(std::make_unique<TcpServer>(std::move(listeners), serve_with(state_),
                                          tcp_options(state_))) {}

HttpServer::~HttpServer() = default;

HttpServerCounters HttpServer::counters() const noexcept {
  return {.requests = state_->requests.load(std::memory_order_relaxed),
          .refused = state_->refused.load(std::memory_order_relaxed),
          .tcp = server_->counters()};
}

}  // namespace colibri
