// AdminPage: what goes on in the process, in a browser and for Prometheus. It shows, and changes
// nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "colibri/net/http_server.h"

namespace colibri {

/// How the page is served.
struct AdminPageOptions {
  /// Anybody who can connect sees names, places and stacks: so loopback, unless there is something
  /// in front that lets in whom it knows. Port 0: any free one.
  Address address = Address("127.0.0.1:0");
  /// Names by which browsers may ask for it, without a port. Numbers and localhost always may:
  /// another name could be one of a stranger's page, made to lead here.
  std::vector<std::string> hosts{};
  /// Coroutines, in the form of coroutines_json. Called in a coroutine of run's thread, and may
  /// park. Empty: coroutines_json itself.
  std::function<std::string()> coroutines{};
};

/// Serves the page at "/", "/metrics" for Prometheus, and what the page asks for: "/metrics.json"
/// and "/coroutines.json". Other paths are answered with 404, methods other than GET and HEAD with
/// 405, and requests that come by another name, or from another site's page, with 403.
class AdminPage {
 public:
  /// Listens, and begins to measure; see enable_metrics. Throws std::system_error as TcpListener
  /// does, and std::bad_alloc.
  explicit AdminPage(const AdminPageOptions& options = {});

  /// Serves until stop is called. In a coroutine; as HttpServer::run.
  void run() { server_->run(); }
  /// Any thread and coroutine.
  void stop() const noexcept { server_->stop(); }
  Address address() const { return server_->address(); }
  HttpServerCounters counters() const noexcept { return server_->counters(); }

 private:
  std::unique_ptr<HttpServer> server_;
};

}  // namespace colibri
