#include "bench/echo/load_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace bench {
namespace {

constexpr std::size_t kConnectionsASource = 20'000;
constexpr std::size_t kConnectionsBetweenChecks = 128;

void require(bool done, const std::string& what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

void require_descriptors(std::size_t count) {
  const rlim_t wanted = count + 16;
  rlimit limit{};
  require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  if (wanted <= limit.rlim_cur) return;
  limit.rlim_cur = wanted;
  if (limit.rlim_max < wanted) limit.rlim_max = wanted;  // needs privilege
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0,
          "raise the limit of descriptors to " + std::to_string(wanted));
}

sockaddr_in server_address(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error("not an IPv4 address: " + host);
  }
  return address;
}

void bind_source(int fd, std::size_t source) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<in_addr_t>(source));
  const int on = 1;
  // The port is chosen by connect, which knows that another destination may share it.
  require(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0, "no-port bind");
  require(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind a source");
}

void check_echo(int fd) {
  char byte = '?';
  require(send(fd, &byte, 1, MSG_NOSIGNAL) == 1, "send a first byte");
  const ssize_t size = recv(fd, &byte, 1, 0);
  require(size >= 0, "receive a first byte");
  if (size == 0) throw std::runtime_error("the server closed a new connection");
}

}  // namespace

std::vector<int> open_connections(const std::string& host, std::uint16_t port, std::size_t count) {
  sockaddr_in server = server_address(host, port);
  require_descriptors(count);
  std::vector<int> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0, "socket");
    if (i >= kConnectionsASource) bind_source(fd, i / kConnectionsASource);
    require(connect(fd, reinterpret_cast<sockaddr*>(&server), sizeof server) == 0,
            "connect to " + host + ":" + std::to_string(port) + ", connection " +
                std::to_string(i + 1));
    const int on = 1;
    require(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    if (i % kConnectionsBetweenChecks == 0 || i + 1 == count) check_echo(fd);
    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
    sockets.push_back(fd);
  }
  return sockets;
}

}  // namespace bench
