#include "bench/baseline/server_setup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "bench/baseline/command_line.h"

namespace bench {
namespace {

void require(bool done, const char* what) {
  if (done) return;
  std::perror(what);
  std::exit(1);
}

void raise_descriptor_limit() {
  rlimit limit{};
  require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

int bind_socket(const ServerOptions& options, int type) {
  raise_descriptor_limit();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "--host: not an IPv4 address: %s\n", options.host.c_str());
    std::exit(2);
  }
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  require(fd >= 0, "socket");
  const int on = 1;
  require(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "SO_REUSEADDR");
  if (options.threads > 1) {
    require(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0, "SO_REUSEPORT");
  }
  require(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  return fd;
}

int listen_at(const ServerOptions& options, int socket_flags) {
  const int listener = bind_socket(options, SOCK_STREAM | socket_flags);
  require(listen(listener, SOMAXCONN) == 0, "listen");
  return listener;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  require(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return ntohs(address.sin_port);
}

void announce(const ServerOptions& options, int fd) {
  std::printf("listening on %s:%d\n", options.host.c_str(), port_of(fd));
  std::fflush(stdout);
}

}  // namespace

ServerOptions parse_server_options(int argc, char** argv, bool has_variants) {
  ServerOptions options;
  CommandLine line(argc, argv);
  options.host = line.text("--host", options.host);
  options.port = static_cast<std::uint16_t>(line.number("--port", 0, 0, 65'535));
  options.buffer_bytes = static_cast<std::size_t>(line.number("--buffer-bytes", 4096, 1, 1 << 20));
  if (has_variants) {
    options.level = line.flag("--level");
    options.read_write = line.flag("--read-write");
    options.threads = static_cast<unsigned>(line.number("--threads", 1, 1, 64));
  }
  line.finish();
  return options;
}

int listen_and_announce(const ServerOptions& options, int socket_flags) {
  std::signal(SIGPIPE, SIG_IGN);
  const int listener = listen_at(options, socket_flags);
  announce(options, listener);
  return listener;
}

int listen_beside(int listener, ServerOptions options, int socket_flags) {
  options.port = port_of(listener);
  return listen_at(options, socket_flags);
}

int bind_datagrams_and_announce(const ServerOptions& options) {
  const int fd = bind_socket(options, SOCK_DGRAM);
  require(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kDatagramBufferBytes,
                     sizeof kDatagramBufferBytes) == 0,
          "SO_RCVBUFFORCE");
  announce(options, fd);
  return fd;
}

void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace bench
