#include "test/net/loopback.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "colibri/core/libc.h"

namespace colibri::test {

TcpPair tcp_pair() {
  TcpListener listener("127.0.0.1:0");
  TcpStream client = TcpStream::connect(listener.address());
  return {std::move(client), listener.accept()};
}

DeafPort::DeafPort() : socket_(Socket::open("127.0.0.1:0", SOCK_STREAM)) {
  const Address any = Address::loopback_ipv4(0);
  EXPECT_EQ(bind(socket_.descriptor(), any.data(), any.size()), 0);
}

FullListener::FullListener() : listener_("127.0.0.1:0", {.backlog = 1}) {
  const Address address = listener_.address();
  // One more than the backlog has room for; further ones are dropped on their way.
  for (int i = 0; i < 2; ++i) {
    waiting_.push_back(Socket::open(address, SOCK_STREAM));
    real::connect(waiting_.back().descriptor(), address.data(), address.size());
    pollfd query{waiting_.back().descriptor(), POLLOUT, 0};
    EXPECT_EQ(real::poll(&query, 1, 10'000), 1);
  }
}

void FullListener::accept_all() {
  while (listener_.try_accept()) {
  }
}

std::string read_all(StreamSocket& stream) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    text.append(reinterpret_cast<const char*>(buffer.data()), size);
  }
  return text;
}

std::string read_text(StreamSocket& stream, std::size_t size) {
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done != size) {
    const std::size_t more =
        stream.read_some(std::as_writable_bytes(std::span(text)).subspan(done));
    if (more == 0) break;
    done += more;
  }
  text.resize(done);
  return text;
}

std::string fresh_name() {
  std::random_device random;
  return "colibri_net_test_" + std::to_string(random()) + "_" + std::to_string(random());
}

std::string test_text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * i + i / 251) % 26);
  return text;
}

}  // namespace colibri::test
