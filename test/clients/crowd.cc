#include "test/clients/crowd.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/clients/server_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

/// A scope that ends the process if it takes too long: a thread that is blocked can be ended by
/// nothing else.
class Bound {
 public:
  Bound() { alarm(static_cast<unsigned>(kHang.count())); }
  ~Bound() { alarm(0); }
};

bool any_ended(const std::vector<Task<void>>& clients) {
  return std::any_of(clients.begin(), clients.end(), [](const auto& task) { return task.done(); });
}

/// The states of the kernel's table of TCP sockets.
enum TcpState : unsigned { kEstablished = 1, kListening = 10 };

struct TcpSocket {
  unsigned port;
  unsigned state;
  unsigned received;  // unread bytes; of a listener: connections that are not accepted
};

std::vector<TcpSocket> tcp_sockets() {
  std::vector<TcpSocket> sockets;
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);  // the headings
  while (std::getline(table, line)) {
    TcpSocket socket{};
    if (std::sscanf(line.c_str(), " %*d: %*8x:%4x %*8x:%*4x %2x %*8x:%8x", &socket.port,
                    &socket.state, &socket.received) == 3) {
      sockets.push_back(socket);
    }
  }
  return sockets;
}

}  // namespace

void expect_crowd(const std::function<void(int)>& client, const Gate& gate) {
  const Bound bound;
  run_in_scheduler([&] {
    std::vector<Task<void>> clients;
    for (int i = 0; i < kClients; ++i) clients.push_back(spawn(client, i));
    // A client that ends before the gate is open has failed, and join tells how.
    while (gate.waiting() < kClients && !any_ended(clients)) sleep_for(5ms);
    EXPECT_EQ(gate.waiting(), kClients);
    EXPECT_FALSE(any_ended(clients));
    gate.open();
    for (auto& task : clients) task.join();
  });
}

int unread_connections(int port) {
  const auto sockets = tcp_sockets();
  return static_cast<int>(
      std::count_if(sockets.begin(), sockets.end(), [port](const TcpSocket& socket) {
        return socket.port == static_cast<unsigned>(port) && socket.state == kEstablished &&
               socket.received > 0;
      }));
}

int unaccepted_connections(int port) {
  for (const TcpSocket& socket : tcp_sockets()) {
    if (socket.port == static_cast<unsigned>(port) && socket.state == kListening) {
      return static_cast<int>(socket.received);
    }
  }
  return 0;
}

}  // namespace colibri::test
