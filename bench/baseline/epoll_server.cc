// The yardstick: an echo server on epoll, as written by hand for speed.
//
//   epoll_server [--host 127.0.0.1] [--port 0] [--buffer-bytes 4096] [--level] [--read-write]
//                [--threads 1]
//
// Threads share nothing: each has a listener, an epoll set and the connections that it accepted.
//
// An echo that waits costs three system calls (epoll_wait, recv, send), and epoll_wait's share is
// divided by the number of connections that are ready together. Nothing is given up for it: no
// call blocks, no byte is lost, memory is bounded by one buffer a connection, since a connection
// that cannot be written to is not read from either.
//
// Edge-triggered (the default), a connection is registered once, for both directions. After a
// short read the socket is known to be empty, so the read that would say EAGAIN is saved. That
// holds only while nothing but data has come: FIN, reset or urgent data may be folded into the same
// event, and then no later edge would announce what the short read left. Such a connection is read
// until the kernel says so.
//
// Level-triggered, the kernel asks each connection once more, in the next epoll_wait, whether it
// is still readable; in exchange there is nothing to remember. The two cost the same up to some
// hundred connections, and level a few per cent more at a thousand.
//
// recv and send go to the socket straight, read and write through the file layer, which costs some
// 50 ns a call.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

constexpr std::uint32_t kReadable = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI;
// After one of these a short read no longer proves that the socket is empty.
constexpr std::uint32_t kMoreThanData = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI;
constexpr std::uint32_t kEdgeInterest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
// One busy connection must not starve the others.
constexpr int kMostReadsInARow = 16;

// What a partial write left to be sent.
struct Backlog {
  std::vector<char> bytes;
  std::size_t sent = 0;
};

struct Connection {
  std::unique_ptr<Backlog> backlog;  // null unless the last write was partial
  bool more_than_data = false;       // latched by kMoreThanData
};

class EpollServer {
 public:
  EpollServer(int listener, const ServerOptions& options);
  [[noreturn]] void run();

 private:
  void accept_all();
  void on_edge(int fd, std::uint32_t events);
  void on_level(int fd);
  // Echoes until the socket is empty, the peer does not take more, the connection has ended, or it
  // is the others' turn.
  void echo_all(int fd, Connection& connection);
  ssize_t receive(int fd);  // into the buffer
  ssize_t transmit(int fd, const char* bytes, std::size_t size);
  // Receives and sends once. Returns the size received, 0 when the connection is closed or to be
  // left alone for now.
  std::size_t echo_once(int fd, Connection& connection);
  // Sends the backlog. False when bytes remain, or when the connection is closed.
  bool flush(int fd, Connection& connection);
  void close_connection(int fd, Connection& connection);
  void control(int operation, int fd, std::uint32_t events);

  const int epoll_;
  const int listener_;
  const bool level_;
  const bool read_write_;
  std::vector<char> buffer_;             // of every read: its bytes are written before the next
  std::vector<Connection> connections_;  // by descriptor
};

EpollServer::EpollServer(int listener, const ServerOptions& options)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      listener_(listener),
      level_(options.level),
      read_write_(options.read_write),
      buffer_(options.buffer_bytes) {
  control(EPOLL_CTL_ADD, listener_, EPOLLIN | EPOLLET);
}

void EpollServer::run() {
  std::array<epoll_event, 512> events;
  for (;;) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    // A count below zero is EINTR, after a stop and continue.
    for (int i = 0; i < count; ++i) {
      const auto& [mask, data] = events[static_cast<std::size_t>(i)];
      if (data.fd == listener_) [[unlikely]] {
        accept_all();
      } else if (level_) {
        on_level(data.fd);
      } else {
        on_edge(data.fd, mask);
      }
    }
  }
}

void EpollServer::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      std::perror("accept4");  // Out of descriptors: the next edge tries again.
      return;
    }
    set_no_delay(fd);
    const auto index = static_cast<std::size_t>(fd);
    if (connections_.size() <= index) connections_.resize(index + 1);
    control(EPOLL_CTL_ADD, fd, level_ ? std::uint32_t{EPOLLIN} : kEdgeInterest);
  }
}

void EpollServer::on_edge(int fd, std::uint32_t events) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  if ((events & kMoreThanData) != 0) [[unlikely]]
    connection.more_than_data = true;
  if (connection.backlog) [[unlikely]] {
    // The edge of what arrived meanwhile may be spent: after the flush, read whatever the event.
    if (flush(fd, connection)) echo_all(fd, connection);
  } else if ((events & kReadable) != 0) {
    echo_all(fd, connection);
  }
}

void EpollServer::on_level(int fd) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  if (connection.backlog) [[unlikely]] {
    if (flush(fd, connection)) control(EPOLL_CTL_MOD, fd, EPOLLIN);
  } else {
    echo_once(fd, connection);
    // Level-triggered EPOLLOUT is true nearly always, so it is asked for only now.
    if (connection.backlog) [[unlikely]]
      control(EPOLL_CTL_MOD, fd, EPOLLOUT);
  }
}

void EpollServer::echo_all(int fd, Connection& connection) {
  for (int reads = 0; reads < kMostReadsInARow; ++reads) {
    const std::size_t size = echo_once(fd, connection);
    if (size == 0 || (size < buffer_.size() && !connection.more_than_data)) return;
  }
  // The others come first. Registering anew makes an edge of what is there already.
  control(EPOLL_CTL_MOD, fd, kEdgeInterest);
}

ssize_t EpollServer::receive(int fd) {
  if (read_write_) return read(fd, buffer_.data(), buffer_.size());
  return recv(fd, buffer_.data(), buffer_.size(), 0);
}

ssize_t EpollServer::transmit(int fd, const char* bytes, std::size_t size) {
  if (read_write_) return write(fd, bytes, size);
  return send(fd, bytes, size, MSG_NOSIGNAL);
}

std::size_t EpollServer::echo_once(int fd, Connection& connection) {
  const ssize_t received = receive(fd);
  if (received <= 0) [[unlikely]] {
    if (received == 0 || errno != EAGAIN) close_connection(fd, connection);
    return 0;
  }
  const auto size = static_cast<std::size_t>(received);
  const ssize_t written = transmit(fd, buffer_.data(), size);
  if (written == received) [[likely]]
    return size;
  if (written < 0 && errno != EAGAIN) {
    close_connection(fd, connection);
    return 0;
  }
  connection.backlog = std::make_unique<Backlog>();
  connection.backlog->bytes.assign(buffer_.data() + (written < 0 ? 0 : written),
                                   buffer_.data() + size);
  return 0;
}

bool EpollServer::flush(int fd, Connection& connection) {
  auto& [bytes, sent] = *connection.backlog;
  while (sent < bytes.size()) {
    const ssize_t written = transmit(fd, bytes.data() + sent, bytes.size() - sent);
    if (written < 0) {
      if (errno != EAGAIN) close_connection(fd, connection);
      return false;
    }
    sent += static_cast<std::size_t>(written);
  }
  connection.backlog.reset();
  return true;
}

void EpollServer::close_connection(int fd, Connection& connection) {
  connection = Connection();
  close(fd);  // This is the only descriptor of the socket, so it leaves the epoll set too.
}

void EpollServer::control(int operation, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, operation, fd, &event) == 0) return;
  std::perror("epoll_ctl");
  std::exit(1);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse_server_options(argc, argv, /*has_variants=*/true);
  const int listener = bench::listen_and_announce(options, SOCK_NONBLOCK);
  for (unsigned thread = 1; thread < options.threads; ++thread) {
    const int another = bench::listen_beside(listener, options, SOCK_NONBLOCK);
    std::thread([another, options] { bench::EpollServer(another, options).run(); }).detach();
  }
  bench::EpollServer(listener, options).run();
}
