#include "samples/load_test/transport.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace load_test {
namespace {

class PlainTransport final : public Transport {
 public:
  using Transport::Transport;

  ssize_t receive(std::span<std::byte> buffer) override {
    ssize_t size;
    do size = ::recv(descriptor(), buffer.data(), buffer.size(), 0);
    while (size < 0 && errno == EINTR);
    return size;
  }

  ssize_t send(std::span<const std::byte> bytes) override {
    ssize_t size;
    do size = ::send(descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    while (size < 0 && errno == EINTR);
    return size;
  }
};

}  // namespace

std::string Transport::reason(int error) const {
  return std::strerror(error);
}

void Transport::end() {
  ::shutdown(descriptor(), SHUT_RDWR);
}

std::unique_ptr<Transport> make_plain_transport(Descriptor socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace load_test
