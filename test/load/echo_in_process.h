// An echo server on coroutines within the test, so that its coroutines and stacks can be counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>

namespace colibri::test {

/// Runs an echo server on this thread, a coroutine a connection over hooked calls, and
/// `clients(port)` in a thread beside it. Once that has returned, expects that all connections end
/// by themselves, and that coroutines, stacks and descriptors are back to what they were. What
/// `clients` throws is a failure of the test. The server's buffers in the kernel are small.
void serve_echo_to(const std::function<void(int port)>& clients);

/// A client that does nothing wrong: exchanges messages without a pause, in a thread of its own.
class Bystander {
 public:
  explicit Bystander(int port);
  /// Stops it, and expects that every reply was right.
  ~Bystander();
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;

  /// Waits for `number` further replies; false when they do not come.
  bool exchanges(std::size_t number) const;

 private:
  void run(int port);

  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> replies_{0};
  std::thread thread_;
};

}  // namespace colibri::test
