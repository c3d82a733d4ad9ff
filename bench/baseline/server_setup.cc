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
  }
  line.finish();
  return options;
}

int listen_and_announce(const ServerOptions& options, int socket_flags) {
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "--host: not an IPv4 address: %s\n", options.host.c_str());
    std::exit(2);
  }
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;

  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | socket_flags, 0);
  require(listener >= 0, "socket");
  const int on = 1;
  require(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "SO_REUSEADDR");
  require(bind(listener, generic, size) == 0, "bind");
  require(listen(listener, SOMAXCONN) == 0, "listen");
  require(getsockname(listener, generic, &size) == 0, "getsockname");

  std::printf("listening on %s:%d\n", options.host.c_str(), ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace bench
