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

sockaddr_in server_address(const LoadTarget& target) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  if (inet_pton(AF_INET, target.host.c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error("not an IPv4 address: " + target.host);
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

int connect_one(const LoadTarget& target, sockaddr_in address, std::size_t index) {
  const int fd = socket(AF_INET, target.type | SOCK_CLOEXEC, 0);
  require(fd >= 0, "socket");
  if (index >= kConnectionsASource) bind_source(fd, index / kConnectionsASource);
  require(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
          "connect to " + target.host + ":" + std::to_string(target.port) + ", connection " +
              std::to_string(index + 1));
  const int on = 1;
  if (target.type == SOCK_STREAM) {
    require(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
  }
  return fd;
}

}  // namespace

void check_echo(int fd) {
  char byte = '?';
  require(send(fd, &byte, 1, MSG_NOSIGNAL) == 1, "send a first byte");
  const ssize_t size = recv(fd, &byte, 1, 0);
  require(size >= 0, "receive a first byte");
  if (size == 0) throw std::runtime_error("the server closed a new connection");
}

std::vector<int> open_connections(const LoadTarget& target, std::size_t count,
                                  const std::function<void(int fd)>& greet) {
  const sockaddr_in address = server_address(target);
  require_descriptors(count);
  std::vector<int> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = connect_one(target, address, i);
    greet(fd);
    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
    sockets.push_back(fd);
  }
  return sockets;
}

}  // namespace bench
