#include "test/load/raw_client.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

namespace colibri::test {
namespace {

void require(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

void set_option(int socket, int option, int value) {
  require(setsockopt(socket, SOL_SOCKET, option, &value, sizeof value) == 0, "setsockopt");
}

}  // namespace

std::string test_bytes(std::size_t size, unsigned seed) {
  std::minstd_rand random(seed + 1);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random() >> 8);
  return bytes;
}

RawClient::RawClient(int port, bool small_buffers)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  require(socket_ >= 0, "socket");
  // A server that never answers and never closes makes the test fail instead of hang.
  const timeval hang{60, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    require(setsockopt(socket_, SOL_SOCKET, option, &hang, sizeof hang) == 0, "setsockopt");
  }
  if (small_buffers) {
    set_option(socket_, SO_RCVBUF, 64 * 1024);
    set_option(socket_, SO_SNDBUF, 64 * 1024);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
  const int error = errno;
  close(socket_);
  throw std::system_error(error, std::generic_category(), "connect");
}

RawClient::RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

RawClient& RawClient::operator=(RawClient&& other) noexcept {
  std::swap(socket_, other.socket_);
  return *this;
}

RawClient::~RawClient() {
  if (socket_ >= 0) close(socket_);
}

void RawClient::send_all(const std::string& bytes) const {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t size = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    require(size >= 0, "send");
    sent += static_cast<std::size_t>(size);
  }
}

std::size_t RawClient::send_without_waiting(std::string_view bytes) const {
  const ssize_t size = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  require(size >= 0 || errno == EAGAIN, "send");
  return static_cast<std::size_t>(std::max<ssize_t>(size, 0));
}

std::string RawClient::receive(std::size_t size) const {
  std::string bytes;
  char buffer[16 * 1024];
  while (bytes.size() < size) {
    const ssize_t got = recv(socket_, buffer, std::min(sizeof buffer, size - bytes.size()), 0);
    require(got >= 0, "recv");
    if (got == 0) break;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
  return bytes;
}

std::string RawClient::receive_all() const {
  return receive(std::string::npos);
}

bool RawClient::readable() const {
  pollfd ready{socket_, POLLIN, 0};
  return poll(&ready, 1, 0) == 1;
}

bool RawClient::echoes(const std::string& bytes) const {
  send_all(bytes);
  return receive(bytes.size()) == bytes;
}

void RawClient::shut_down_sending() const {
  require(shutdown(socket_, SHUT_WR) == 0, "shutdown");
}

void RawClient::reset() {
  const linger at_once{1, 0};
  require(setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "SO_LINGER");
  close(std::exchange(socket_, -1));
}

}  // namespace colibri::test
