#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// Opens `count` TCP connections to an echo server and returns their sockets, non-blocking, without
// Nagle's algorithm. They stay open until the process ends.
//
// Every 20,000 connections to a loopback address leave from another source address (127.0.0.2, .3
// …), since one has fewer than 30,000 ports. Now and then a byte is echoed before the next
// connection, so that the queue of the listener never overflows.
// Throws std::system_error or std::runtime_error with a sentence when a connection fails.
std::vector<int> open_connections(const std::string& host, std::uint16_t port, std::size_t count);

}  // namespace bench
