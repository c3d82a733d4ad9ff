// A server as many were written: a thread for each connection, blocking calls, a mutex around what
// the connections share. after.cc beside it is the same on coroutines:
//
//   diff samples/migrate/before.cc samples/migrate/after.cc
//   bazel run --config=opt //samples/migrate:before -- 7777
//
// It echoes what it gets and counts it. Prints "listening on 127.0.0.1:7777", and after SIGTERM or
// Ctrl-C how many connections and bytes there were.
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace {

volatile sig_atomic_t stopping = 0;

/// What all connections share.
struct Statistics {
  std::mutex lock;
  long connections = 0;
  long bytes = 0;
} statistics;

bool write_all(int connection, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = write(connection, bytes, size);
    if (written <= 0) return false;
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

void serve(int connection) {
  std::vector<char> buffer(16 * 1024);
  long bytes = 0;
  ssize_t size;
  while ((size = read(connection, buffer.data(), buffer.size())) > 0) {
    if (!write_all(connection, buffer.data(), static_cast<size_t>(size))) break;
    bytes += size;
  }
  close(connection);
  const std::lock_guard guard(statistics.lock);
  ++statistics.connections;
  statistics.bytes += bytes;
}

int listen_on(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) return -1;
  if (listen(listener, SOMAXCONN) != 0) return -1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

int accept_all(std::uint16_t port) {
  const int listener = listen_on(port);
  if (listener < 0) return EXIT_FAILURE;
  while (stopping == 0) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) {
      std::thread(serve, connection).detach();
    } else if (errno == EMFILE || errno == ENFILE) {
      usleep(10'000);
    }
  }
  const std::lock_guard guard(statistics.lock);
  std::printf("%ld connections, %ld bytes\n", statistics.connections, statistics.bytes);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction stop {};
  stop.sa_handler = [](int) { stopping = 1; };
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGTERM, &stop, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  return accept_all(port);
}
