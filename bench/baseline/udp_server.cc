// The yardstick of datagrams: an echo server that takes and sends as many as it can in a call.
//
//   udp_server [--host 127.0.0.1] [--port 0] [--epoll]
//
// It waits in recvmmsg itself: two system calls for as many datagrams as have come together. With
// --epoll it waits in epoll_wait, as whoever has more than one socket must, and takes three.

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "bench/baseline/command_line.h"
#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMostBytes = 1500;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Batch {
 public:
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      messages_[i].msg_hdr.msg_iov = &pieces_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_name = &names_[i];
    }
  }

  // False if there is none, and the flags say not to wait.
  bool receive(int fd, int flags) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      pieces_[i] = {bytes_[i].data(), kMostBytes};
      messages_[i].msg_hdr.msg_namelen = sizeof names_[i];
    }
    const int count = recvmmsg(fd, messages_.data(), kBatch, flags, nullptr);
    if (count < 0 && errno != EAGAIN && errno != EINTR) fail("recvmmsg");
    count_ = count < 0 ? 0 : static_cast<std::size_t>(count);
    return count > 0;
  }

  void send_back(int fd) {
    for (std::size_t i = 0; i < count_; ++i) pieces_[i].iov_len = messages_[i].msg_len;
    for (std::size_t done = 0; done < count_;) {
      const int sent = sendmmsg(fd, &messages_[done], static_cast<unsigned>(count_ - done), 0);
      if (sent < 0 && errno != EINTR) fail("sendmmsg");
      if (sent > 0) done += static_cast<std::size_t>(sent);
    }
  }

  // What was there when it was taken.
  bool is_full() const { return count_ == kBatch; }

 private:
  std::size_t count_ = 0;
  std::array<mmsghdr, kBatch> messages_{};
  std::array<iovec, kBatch> pieces_{};
  std::array<sockaddr_in, kBatch> names_{};
  std::array<std::array<char, kMostBytes>, kBatch> bytes_;
};

[[noreturn]] void serve(int fd) {
  static Batch batch;
  for (;;) {
    if (batch.receive(fd, MSG_WAITFORONE)) batch.send_back(fd);
  }
}

[[noreturn]] void serve_by_epoll(int fd) {
  static Batch batch;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  for (;;) {
    if (epoll_wait(epoll, &event, 1, -1) != 1) continue;
    do {
      if (!batch.receive(fd, MSG_DONTWAIT)) break;
      batch.send_back(fd);
    } while (batch.is_full());
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::CommandLine line(argc, argv);
  bench::ServerOptions options;
  options.host = line.text("--host", options.host);
  options.port = static_cast<std::uint16_t>(line.number("--port", 0, 0, 65'535));
  const bool by_epoll = line.flag("--epoll");
  line.finish();
  const int fd = bench::bind_datagrams_and_announce(options);
  by_epoll ? bench::serve_by_epoll(fd) : bench::serve(fd);
}
