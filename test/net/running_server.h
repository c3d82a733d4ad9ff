// A TcpServer that runs while a test's scope lasts.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/tcp_server.h"
#include "test/net/loopback.h"

namespace colibri::test {

/// A handler that sends back whatever comes.
inline void echo(TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    stream.write_all(std::span(buffer).first(size));
  }
}

/// True if `text` comes back.
inline bool echoes(TcpStream& stream, const std::string& text) {
  stream.write_all(text);
  return read_text(stream, text.size()) == text;
}

/// Looks at `condition` until it is true. Ends what hangs, and judges nothing.
template <class Condition>
bool comes_true(Condition condition) {
  const Deadline hang = Deadline::after(std::chrono::seconds(20));
  while (!condition()) {
    if (hang.has_passed()) return false;
    sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Serves 127.0.0.1 in a coroutine of its own. In a coroutine.
class RunningServer {
 public:
  explicit RunningServer(TcpServer::Handler handler, const TcpServerOptions& options = {},
                         const Address& address = "127.0.0.1:0")
      : server_(std::make_unique<TcpServer>(address, std::move(handler), options)),
        address_(server_->address()),
        task_(spawn([&server = *server_] { server.run(); })) {}

  TcpServer* operator->() noexcept { return server_.get(); }
  TcpStream connect() const { return TcpStream::connect(address_); }
  const Address& address() const noexcept { return address_; }
  Task<void>& task() noexcept { return task_; }

  /// Stops it, and returns what became of all connections.
  TcpServerCounters stop() {
    server_->stop();
    task_.join();
    return server_->counters();
  }

 private:
  std::unique_ptr<TcpServer> server_;  // in the heap: its own coroutine uses it
  const Address address_;
  Task<void> task_;
};

}  // namespace colibri::test
