#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

// Where the load goes.
struct LoadTarget {
  std::string host;  // an IPv4 address
  std::uint16_t port = 0;
  int type = 0;  // SOCK_STREAM or SOCK_DGRAM
};

// Opens `count` connections to an echo server and returns their sockets, non-blocking, TCP's
// without Nagle's algorithm. They stay open until the process ends.
//
// Every 20,000 connections to a loopback address leave from another source address (127.0.0.2, .3
// …), since one has fewer than 30,000 ports. `greet` is called with each, which blocks still.
// Throws std::system_error or std::runtime_error with a sentence when a connection fails.
std::vector<int> open_connections(const LoadTarget& target, std::size_t count,
                                  const std::function<void(int fd)>& greet);

// A greeting for an echo server: a byte is echoed. If this is done now and then before the next
// connection, the queue of the listener never overflows. Throws as open_connections.
void check_echo(int fd);

}  // namespace bench
