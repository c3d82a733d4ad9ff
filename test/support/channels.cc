#include "test/support/channels.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <termios.h>

#include <atomic>
#include <cstdio>
#include <random>

namespace colibri::test {
namespace {

void require(bool made, const char* what) {
  if (made) return;
  std::perror(what);
  std::abort();
}

Ends own_pair(Session& session, const int (&pair)[2]) {
  return {session.own(pair[0]), session.own(pair[1])};
}

Ends socket_pair(Session& session, int type) {
  int pair[2];
  require(session.libc.socketpair(AF_UNIX, type, 0, pair) == 0, "socketpair");
  return own_pair(session, pair);
}

sockaddr_in loopback(in_port_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = port;
  return address;
}

int bound_socket(Session& session, int type) {
  const int socket = session.own(session.libc.socket(AF_INET, type, 0));
  const sockaddr_in address = loopback(0);
  require(bind(socket, generic(address), sizeof address) == 0, "bind");
  return socket;
}

}  // namespace

sockaddr_in address_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  require(getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return address;
}

sockaddr_un unix_address() {
  std::random_device random;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "colibri-test-%08x%08x",
                random(), random());
  return address;
}

int full_receiver(Session& session, const sockaddr_un& address) {
  const int receiver = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
  require(bind(receiver, generic(address), sizeof address) == 0, "bind");
  const int other = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
  while (real::sendto(other, "x", 1, MSG_DONTWAIT, generic(address), sizeof address) == 1) continue;
  require(errno == EAGAIN, "sendto");
  return receiver;
}

sockaddr_in refusing_address(Session& session) {
  // Bound, so that nobody else gets the port, and not listening.
  return address_of(bound_socket(session, SOCK_STREAM));
}

int listener(Session& session, int backlog) {
  const int socket = bound_socket(session, SOCK_STREAM);
  require(session.libc.listen(socket, backlog) == 0, "listen");
  return socket;
}

int connected_to(Session& session, int listening) {
  const sockaddr_in address = address_of(listening);
  const int socket = session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0));
  require(session.libc.connect(socket, generic(address), sizeof address) == 0, "connect");
  return socket;
}

Ends tcp_ends(Session& session) {
  const int listening = listener(session);
  const int writer = connected_to(session, listening);
  const int reader = session.own(session.libc.accept(listening, nullptr, nullptr));
  session.close(listening);
  for (const int end : {reader, writer}) set_option(session, end, IPPROTO_TCP, TCP_NODELAY, 1);
  return {reader, writer};
}

Ends unix_stream_ends(Session& session) {
  return socket_pair(session, SOCK_STREAM);
}

Ends datagram_ends(Session& session) {
  return socket_pair(session, SOCK_DGRAM);
}

Ends seqpacket_ends(Session& session) {
  return socket_pair(session, SOCK_SEQPACKET);
}

Ends pipe_ends(Session& session) {
  int pair[2];
  require(session.libc.pipe(pair) == 0, "pipe");
  return own_pair(session, pair);
}

Ends packet_pipe_ends(Session& session) {
  int pair[2];
  require(session.libc.pipe2(pair, O_DIRECT) == 0, "pipe2");
  return own_pair(session, pair);
}

Ends unknown_ends(Session& session, int type) {
  static std::atomic<int> lowest{800};
  int pair[2];
  require(real::socketpair(AF_UNIX, type, 0, pair) == 0, "socketpair");
  int moved[2];
  for (int i = 0; i < 2; ++i) {
    moved[i] = real::fcntl(pair[i], F_DUPFD_CLOEXEC, lowest++);
    real::close(pair[i]);
  }
  return own_pair(session, moved);
}

int udp_socket(Session& session) {
  return bound_socket(session, SOCK_DGRAM);
}

Ends udp_ends(Session& session) {
  const int reader = udp_socket(session);
  const int writer = udp_socket(session);
  const sockaddr_in reading = address_of(reader);
  const sockaddr_in writing = address_of(writer);
  require(session.libc.connect(writer, generic(reading), sizeof reading) == 0, "connect");
  require(session.libc.connect(reader, generic(writing), sizeof writing) == 0, "connect");
  return {reader, writer};
}

Ends terminal_ends(Session& session) {
  const int master = session.own(posix_openpt(O_RDWR | O_NOCTTY));
  require(grantpt(master) == 0 && unlockpt(master) == 0, "unlockpt");
  const int slave = session.own(::open(ptsname(master), O_RDWR | O_NOCTTY));
  termios settings{};
  require(tcgetattr(slave, &settings) == 0, "tcgetattr");
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  require(tcsetattr(slave, TCSANOW, &settings) == 0, "tcsetattr");
  return {slave, master};
}

void set_timeout(Session& session, int socket, int option, long microseconds) {
  const timeval time{microseconds / 1'000'000, microseconds % 1'000'000};
  require(session.libc.setsockopt(socket, SOL_SOCKET, option, &time, sizeof time) == 0,
          "setsockopt");
}

void set_nonblocking(Session& session, int descriptor, bool on) {
  const int flags = session.libc.fcntl(descriptor, F_GETFL);
  require(
      session.libc.fcntl(descriptor, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0,
      "fcntl");
}

void set_option(Session& session, int socket, int level, int option, int value) {
  require(session.libc.setsockopt(socket, level, option, &value, sizeof value) == 0, "setsockopt");
}

void reset_connection(Session& session, int socket) {
  const linger at_once{1, 0};
  require(session.libc.setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0,
          "SO_LINGER");
  session.close(socket);
}

void put(Session& session, int descriptor, const std::string& text) {
  require(
      session.libc.write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
      "write");
}

void make_buffers_small(Session& session, const Ends& ends) {
  const int size = 16'384;
  session.libc.setsockopt(ends.reader, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  session.libc.setsockopt(ends.writer, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

void fill(Session& session, int descriptor) {
  set_nonblocking(session, descriptor);
  const std::string text(8192, 'x');
  for (bool moved = true; moved;) {
    const timespec pause{0, 500'000};
    real::nanosleep(&pause, nullptr);
    moved = false;
    for (std::size_t size = text.size(); size != 0; size /= 2) {
      while (session.libc.write(descriptor, text.data(), size) > 0) moved = true;
    }
  }
  set_nonblocking(session, descriptor, false);
}

void note_flags(Session& session, int descriptor) {
  const int flags = session.libc.fcntl(descriptor, F_GETFL);
  session.note(flags < 0 ? "closed" : (flags & O_NONBLOCK) != 0 ? "non-blocking" : "blocking");
}

int free_number(Session& session) {
  const int number = session.libc.fcntl(0, F_DUPFD, 700);
  session.libc.close(number);
  return number;
}

std::string take(Session& session, int descriptor, std::size_t size) {
  std::string all;
  char bytes[65536];
  while (all.size() < size) {
    const ssize_t count =
        session.libc.read(descriptor, bytes, std::min(sizeof bytes, size - all.size()));
    require(count >= 0, "read");
    if (count == 0) break;
    all.append(bytes, static_cast<std::size_t>(count));
  }
  return all;
}

}  // namespace colibri::test
