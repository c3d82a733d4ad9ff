#include "test/clients/tcp_queues.h"

#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace colibri::test {
namespace {

/// The states of the kernel's table of TCP sockets.
enum TcpState : unsigned { kEstablished = 1, kListening = 10 };

struct TcpSocket {
  unsigned peer;  // its port
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
    if (std::sscanf(line.c_str(), " %*d: %*8x:%4x %*8x:%4x %2x %*8x:%8x", &socket.port,
                    &socket.peer, &socket.state, &socket.received) == 4) {
      sockets.push_back(socket);
    }
  }
  return sockets;
}

}  // namespace

int unread_connections(int port) {
  // Where sockets come and go while the table is read, it has some twice.
  std::set<unsigned> peers;
  for (const TcpSocket& socket : tcp_sockets()) {
    if (socket.port == static_cast<unsigned>(port) && socket.state == kEstablished &&
        socket.received > 0) {
      peers.insert(socket.peer);
    }
  }
  return static_cast<int>(peers.size());
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
