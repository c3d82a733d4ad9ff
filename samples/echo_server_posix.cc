// An echo server in textbook sockets: nothing of colibri but `run` and `go`.
//
//   bazel run --config=opt //samples:echo_server_posix -- --port 7777
//   listening on 127.0.0.1:7777
//
// Every connection has a coroutine of its own; all of them share one thread. accept, read and write
// look as if they blocked, and park the coroutine instead. Ctrl-C and SIGTERM stop the server.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "colibri/colibri.h"

namespace {

volatile sig_atomic_t stopping = 0;

// False when the peer has finished, or is gone.
[[gnu::noinline]] bool echo_once(int connection) {
  char buffer[4096];
  const ssize_t size = read(connection, buffer, sizeof buffer);
  return size > 0 && write(connection, buffer, static_cast<size_t>(size)) == size;
}

void echo(int connection) {
  while (echo_once(connection)) {
  }
  close(connection);
}

// Waits before the buffer is on the stack: on a shared stack, an idle connection then keeps some
// hundred bytes, and not four thousand more.
void echo_wait_first(int connection) {
  pollfd readable{connection, POLLIN, 0};
  while (poll(&readable, 1, -1) == 1 && echo_once(connection)) {
  }
  close(connection);
}

int fail(const char* what) {
  std::fprintf(stderr, "echo_server_posix: %s: %s\n", what, std::strerror(errno));
  return 1;
}

int listen_on(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    errno = EINVAL;
    return -1;
  }
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) return -1;
  if (listen(listener, SOMAXCONN) != 0) return -1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on %s:%d\n", host.c_str(), ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

void start(int connection, const colibri::SpawnOptions& options, bool wait_first) {
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  try {
    colibri::go(options, wait_first ? echo_wait_first : echo, connection);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo_server_posix: a connection was refused: %s\n", error.what());
    close(connection);
  }
}

int serve(const std::string& host, std::uint16_t port, std::size_t stack_bytes, bool wait_first) {
  const int listener = listen_on(host, port);
  if (listener < 0) return fail(("cannot listen on " + host).c_str());
  const colibri::SpawnOptions options{.stack_bytes = stack_bytes, .name = "echo"};
  while (stopping == 0) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) {
      start(connection, options, wait_first);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      usleep(10'000);  // full: those who are connected go on, and who waits is accepted later
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return fail("accept");
    }
  }
  close(listener);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7777;
  std::size_t stack_kb = 0;
  bool wait_first = false;
  CLI::App app("Echoes every byte that it receives.");
  app.add_option("--host", host, "IPv4 address to listen on")->capture_default_str();
  app.add_option("--port", port, "port to listen on; 0: any free one")->capture_default_str();
  app.add_option("--stack-kb", stack_kb, "private stack of a connection, KiB; else COLIBRI_STACK")
      ->check(CLI::Range(16, 65536));
  app.add_flag("--wait-first", wait_first, "poll before each read");
  CLI11_PARSE(app, argc, argv);

  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);

  // Without SA_RESTART, so that accept returns with EINTR and the loop sees the flag.
  struct sigaction stop {};
  stop.sa_handler = [](int) { stopping = 1; };
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGTERM, &stop, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return colibri::run([&] { return serve(host, port, stack_kb * 1024, wait_first); });
}
