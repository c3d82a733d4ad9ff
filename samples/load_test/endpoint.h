// Where the load goes, and one connection to it.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "samples/load_test/descriptor.h"

namespace load_test {

/// A socket address of either family.
struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  bool is_ipv4_loopback() const;
  std::string numeric() const;  // "127.0.0.1:7777", "[::1]:7777"
};

/// All addresses of a host, in the resolver's order. Throws std::runtime_error with a sentence
/// when there is none.
std::vector<Endpoint> resolve(const std::string& host, std::uint16_t port);

/// The address to connect from: 127.0.0.1 for `number` 0, then 127.0.0.2 and so on.
Endpoint loopback_source(std::uint32_t number);

/// A connected TCP socket without Nagle's delay, or an invalid descriptor with the reason in errno
/// (ETIMEDOUT when `timeout` is over). With a `source`, from that address and any free port of it.
Descriptor connect_to(const Endpoint& target, const Endpoint* source,
                      std::chrono::nanoseconds timeout);

/// The first of `endpoints` that accepts a connection; the first of all when none does, so that
/// the run itself reports why.
Endpoint first_reachable(const std::vector<Endpoint>& endpoints, std::chrono::nanoseconds timeout);

}  // namespace load_test
