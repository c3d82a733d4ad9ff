// A server within the test that does what a test wants on each connection, with TLS or without.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "colibri/net/stream_reference.h"
#include "colibri/net/tls_context.h"

namespace colibri::test {

/// Serves on a free port of 127.0.0.1, in a scheduler on a thread of its own, from its making to
/// its end.
class ScriptedServer {
 public:
  /// Serves one connection, in a coroutine of the server's; when it returns or throws, the
  /// connection is closed.
  using Script = std::function<void(StreamReference)>;

  explicit ScriptedServer(Script script, std::optional<TlsServerContext> tls = {});
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  void run(const Script& script, const std::optional<TlsServerContext>& tls);

  std::promise<std::function<void()>> started_;
  std::uint16_t port_ = 0;      // written before started_ is set
  std::function<void()> stop_;  // by any thread
  std::thread thread_;
};

/// Sends back all that comes.
void echo_script(StreamReference stream);

/// Reads one request of HTTP and its body; false when the stream ends before one begins.
class HttpRequests {
 public:
  explicit HttpRequests(StreamReference stream);
  ~HttpRequests();
  bool read_one();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

/// A head with a length, and the body.
std::string http_response(int status, const std::string& body, const std::string& fields = "");

/// Answers each request with "hello".
void http_script(StreamReference stream);

}  // namespace colibri::test
