// A server that runs while a test's scope lasts, and waiting for what it does.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "colibri/core/deadline.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/address.h"

namespace colibri::test {

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

/// Runs a TcpServer or an HttpServer in a coroutine of its own. In a coroutine.
template <class Server>
class Running {
 public:
  explicit Running(std::unique_ptr<Server> server)
      : server_(std::move(server)),
        address_(server_->address()),
        task_(spawn([&running = *server_] { running.run(); })) {}

  Server* operator->() noexcept { return server_.get(); }
  const Address& address() const noexcept { return address_; }
  Task<void>& task() noexcept { return task_; }

  /// Stops it, and returns what became of all connections.
  auto stop() {
    server_->stop();
    task_.join();
    return server_->counters();
  }

 private:
  std::unique_ptr<Server> server_;  // in the heap: its own coroutine uses it
  const Address address_;
  Task<void> task_;
};

}  // namespace colibri::test
