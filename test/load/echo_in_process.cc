#include "test/load/echo_in_process.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <exception>

#include "colibri/colibri.h"
#include "test/load/raw_client.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

// Ends what hangs, and judges nothing.
constexpr auto kHang = 60s;
constexpr auto kLook = 2ms;

int open_listener(int& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // Inherited by what accept returns: a reader that stalls makes the server's write wait soon.
  const int bytes = 64 * 1024;
  setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener, SOMAXCONN), 0);
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port = ntohs(address.sin_port);
  return listener;
}

void echo(int connection) {
  char buffer[4096];
  for (;;) {
    const ssize_t size = read(connection, buffer, sizeof buffer);
    if (size <= 0) break;
    if (write(connection, buffer, static_cast<std::size_t>(size)) != size) break;
  }
  close(connection);
}

void accept_for_ever(int listener) {
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) return;
    go(echo, connection);
  }
}

/// Runs in a thread beside the server.
void call(const std::function<void(int)>& clients, int port, std::atomic<bool>& done) {
  try {
    clients(port);
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  done = true;
}

}  // namespace

void serve_echo_to(const std::function<void(int port)>& clients) {
  signal(SIGPIPE, SIG_IGN);
  run_in_scheduler([&] {
    int port = 0;
    const int listener = open_listener(port);
    auto acceptor = spawn(accept_for_ever, listener);
    std::atomic<bool> done{false};
    std::thread thread([&] { call(clients, port, done); });
    while (!done) sleep_for(kLook);
    thread.join();

    const Scheduler& scheduler = Scheduler::current("serve_echo_to");
    const std::size_t of_the_server = 2;  // this coroutine and the acceptor
    const auto deadline = Deadline::after(kHang);
    while (scheduler.alive() > of_the_server && !deadline.has_passed()) sleep_for(kLook);
    EXPECT_EQ(scheduler.alive(), of_the_server) << "coroutines of connections did not end";
    EXPECT_EQ(stacks_in_use(), of_the_server);
    acceptor.cancel();
    acceptor.join();
    close(listener);
  });
  EXPECT_EQ(stacks_in_use(), 0u);
}

Bystander::Bystander(int port) : thread_([this, port] { run(port); }) {}

Bystander::~Bystander() {
  stop_ = true;
  thread_.join();
  EXPECT_GT(replies_, 0u);
}

void Bystander::run(int port) {
  try {
    const RawClient client(port);
    for (unsigned number = 0; !stop_; ++number) {
      // Never without a message, even if it is stopped at once.
      if (!client.echoes(test_bytes(200, number))) {
        ADD_FAILURE() << "a wrong reply to message " << number;
        return;
      }
      ++replies_;
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << "somebody else's connection suffered: " << error.what();
  }
}

bool Bystander::exchanges(std::size_t number) const {
  const std::size_t goal = replies_ + number;
  const auto deadline = std::chrono::steady_clock::now() + kHang;
  while (replies_ < goal && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLook);
  }
  return replies_ >= goal;
}

}  // namespace colibri::test
