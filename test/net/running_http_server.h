// An HttpServer that runs while a test's scope lasts.
#pragma once

#include <memory>
#include <utility>

#include "colibri/net/http_server.h"
#include "test/net/http_client.h"
#include "test/net/running.h"

namespace colibri::test {

/// Serves 127.0.0.1.
class RunningHttpServer : public Running<HttpServer> {
 public:
  explicit RunningHttpServer(HttpServer::Handler handler, const HttpServerOptions& options = {})
      : Running(std::make_unique<HttpServer>("127.0.0.1:0", std::move(handler), options)) {}

  HttpClient connect() const { return HttpClient(address()); }
};

}  // namespace colibri::test
