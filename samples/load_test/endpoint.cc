#include "samples/load_test/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "colibri/colibri.h"

namespace load_test {
namespace {

constexpr int kOn = 1;

const sockaddr_in& as_ipv4(const Endpoint& endpoint) {
  return reinterpret_cast<const sockaddr_in&>(endpoint.address);
}

bool bind_to_source(int socket, const Endpoint& source) {
  // Without this option bind would reserve a port for all targets at once; with it the port is
  // chosen by connect, where it only has to be free towards this target.
  ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &kOn, sizeof kOn);
  return ::bind(socket, source.get(), source.size) == 0;
}

/// No socket, and the reason: closing the one that failed may change errno.
Descriptor failed(Descriptor socket, int reason) {
  socket = Descriptor();
  errno = reason;
  return {};
}

}  // namespace

bool Endpoint::is_ipv4_loopback() const {
  return address.ss_family == AF_INET && ntohl(as_ipv4(*this).sin_addr.s_addr) >> 24 == 127;
}

std::string Endpoint::numeric() const {
  char host[NI_MAXHOST] = "?";
  char port[NI_MAXSERV] = "?";
  ::getnameinfo(get(), size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  const bool bracketed = address.ss_family == AF_INET6;
  return (bracketed ? "[" : "") + std::string(host) + (bracketed ? "]:" : ":") + port;
}

std::vector<Endpoint> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    const char* reason = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
    throw std::runtime_error("cannot resolve '" + host + "': " + reason);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  std::vector<Endpoint> endpoints;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Endpoint& endpoint = endpoints.emplace_back();
    std::memcpy(&endpoint.address, entry->ai_addr, entry->ai_addrlen);
    endpoint.size = entry->ai_addrlen;
  }
  return endpoints;
}

Endpoint loopback_source(std::uint32_t number) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
  Endpoint endpoint;
  std::memcpy(&endpoint.address, &address, sizeof address);
  endpoint.size = sizeof address;
  return endpoint;
}

Descriptor connect_to(const Endpoint& target, const Endpoint* source,
                      std::chrono::nanoseconds timeout) {
  Descriptor socket(::socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return {};
  if (source != nullptr && !bind_to_source(socket.number(), *source)) {
    return failed(std::move(socket), errno);
  }
  ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  int error = 0;
  {
    colibri::TimeLimit limit(timeout);
    if (::connect(socket.number(), target.get(), target.size) != 0) error = errno;
  }
  return error == 0 ? std::move(socket) : failed(std::move(socket), error);
}

Endpoint first_reachable(const std::vector<Endpoint>& endpoints, std::chrono::nanoseconds timeout) {
  if (endpoints.size() == 1) return endpoints.front();
  for (const Endpoint& endpoint : endpoints) {
    if (connect_to(endpoint, nullptr, timeout).valid()) return endpoint;
  }
  return endpoints.front();
}

}  // namespace load_test
