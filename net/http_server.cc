#include "colibri/net/http_server.h"

#include "colibri/core/task.h"
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
    ~Return() { to = std::move(from.stream()); }
  } const at_the_end{*connection, stream};
  connection->serve();
}

/// Connections may outlive the server, so they share the state.
TcpServer::Handler serve_with(std::shared_ptr<HttpServerState> state) {
  return [state = std::move(state)](TcpStream& stream) { serve_connection(stream, *state); };
}

}  // namespace

HttpServer::HttpServer(const Address& address, Handler handler, const HttpServerOptions& options)
    : state_(make_state(std::move(handler), options)),
      server_(std::make_unique<TcpServer>(address, serve_with(state_), options.tcp)) {}

HttpServer::HttpServer(std::vector<TcpListener> listeners, Handler handler,
                       const HttpServerOptions& options)
    : state_(make_state(std::move(handler), options)),
      server_(std::make_unique<TcpServer>(std::move(listeners), serve_with(state_), options.tcp)) {}

HttpServer::~HttpServer() = default;

void HttpServer::run() {
  const Task<void> watch =
      spawn(SpawnOptions{.name = "http stop"}, [state = state_, stop = server_->stop_event()] {
        stop.wait();
        state->connections.stop();
      });
  server_->run();
}

HttpServerCounters HttpServer::counters() const noexcept {
  return {.requests = state_->requests.load(std::memory_order_relaxed),
          .refused = state_->refused.load(std::memory_order_relaxed),
          .tcp = server_->counters()};
}

}  // namespace colibri
