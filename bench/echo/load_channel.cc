#include "bench/echo/load_channel.h"

#include <sys/socket.h>

namespace bench {
namespace {

class SocketChannel : public LoadChannel {
 public:
  explicit SocketChannel(int fd) : fd_(fd) {}

  ssize_t send(std::span<const char> bytes) override {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  ssize_t receive(std::span<char> buffer) override {
    return ::recv(fd_, buffer.data(), buffer.size(), 0);
  }
  bool short_receive_empties() const override { return true; }

 private:
  const int fd_;
};

class UdpChannel : public SocketChannel {
 public:
  UdpChannel(int fd, std::size_t message_bytes)
      : SocketChannel(fd), message_bytes_(message_bytes) {}

  std::size_t most_bytes() const override { return message_bytes_; }
  bool short_receive_empties() const override { return false; }

 private:
  const std::size_t message_bytes_;
};

}  // namespace

std::unique_ptr<LoadChannel> make_tcp_channel(int fd) {
  return std::make_unique<SocketChannel>(fd);
}

std::unique_ptr<LoadChannel> make_udp_channel(int fd, std::size_t message_bytes) {
  return std::make_unique<UdpChannel>(fd, message_bytes);
}

}  // namespace bench
