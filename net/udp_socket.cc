#include "colibri/net/udp_socket.h"

#include <netinet/udp.h>

#include "colibri/core/libc.h"
#include "colibri/net/datagram_batch.h"
#include "colibri/net/net_error.h"

namespace colibri {
namespace {

using net_detail::CallDeadline;
using net_detail::socket_call;
using net_detail::throw_error;

Socket open_for(const Address& address) {
  if (address.is_unix()) throw_error(EAFNOSUPPORT, "use UDP with", address);
  return Socket::open(address, SOCK_DGRAM);
}

}  // namespace

UdpSocket UdpSocket::bind(const Address& address, bool reuse_port) {
  Socket socket = open_for(address);
  if (reuse_port) socket.set_option(SOL_SOCKET, SO_REUSEPORT, 1);
  if (::bind(socket.descriptor(), address.data(), address.size()) != 0) {
    throw_error(errno, "bind to", address);
  }
  return UdpSocket(std::move(socket));
}

UdpSocket UdpSocket::connect(const Address& peer) {
  Socket socket = open_for(peer);
  if (real::connect(socket.descriptor(), peer.data(), peer.size()) != 0) {
    throw_error(errno, "connect to", peer);
  }
  return UdpSocket(std::move(socket));
}

void UdpSocket::fail(std::string_view what) const {
  const int error = errno;
  if (!is_open()) throw_error(error, std::string(what) + " a closed socket");
  throw_error(error, what, address());
}

/// Most sockets never have to wait to send: they hear nothing of what their peers have taken, which
/// would wake the loop once for each datagram.
void UdpSocket::watch_reads() const noexcept {
  if (can_park()) thread_state.event_loop->attach_for_reading(descriptor());
}

/// One that does has to hear of it from then on.
template <class Attempt>
ssize_t UdpSocket::sending_call(Attempt attempt) {
  return socket_call(number(), Direction::kWrite, CallDeadline(), [&] {
    const ssize_t result = attempt();
    if (result < 0 && errno == EAGAIN && can_park()) {
      thread_state.event_loop->watch_writes(descriptor());
    }
    return result;
  });
}

Datagram UdpSocket::receive(std::span<std::byte> buffer) {
  sockaddr_in6 name{};
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  watch_reads();
  const ssize_t size = socket_call(number(), Direction::kRead, CallDeadline(), [&] {
    message = {};
    message.msg_name = &name;
    message.msg_namelen = sizeof name;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    return real::recvmsg(descriptor(), &message, MSG_DONTWAIT);
  });
  if (size < 0) fail("receive on");
  return {.size = static_cast<std::size_t>(size),
          .cut_off = (message.msg_flags & MSG_TRUNC) != 0,
          .from = Address(reinterpret_cast<const sockaddr*>(&name), message.msg_namelen)};
}

void UdpSocket::receive(DatagramBatch& batch) {
  DatagramBatch::Parts& parts = *batch.parts_;
  parts.make_ready();
  watch_reads();
  const ssize_t count = socket_call(number(), Direction::kRead, CallDeadline(), [&] {
    return real::recvmmsg(descriptor(), parts.messages.data(),
                          static_cast<unsigned>(parts.messages.size()), MSG_DONTWAIT, nullptr);
  });
  if (count < 0) fail("receive on");
  // The kernel has looked for one more, and found none.
  if (static_cast<std::size_t>(count) < batch.capacity()) {
    note_short_read(net_detail::state_of(descriptor()));
  }
  parts.note_received(static_cast<std::size_t>(count));
}

void UdpSocket::send_to(std::span<const std::byte> bytes, const Address& to) {
  const ssize_t sent = sending_call([&] {
    return real::sendto(descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                        to.data(), to.size());
  });
  if (sent < 0) throw_error(errno, "send to", to);
}

void UdpSocket::send(std::span<const std::byte> bytes) {
  const ssize_t sent = sending_call([&] {
    return real::send(descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (sent < 0) fail("send from");
}

void UdpSocket::send(DatagramBatch& batch) {
  DatagramBatch::Parts& parts = *batch.parts_;
  for (std::size_t done = 0; done < parts.count;) {
    const ssize_t sent = sending_call([&] {
      return real::sendmmsg(descriptor(), &parts.messages[done],
                            static_cast<unsigned>(parts.count - done), MSG_DONTWAIT | MSG_NOSIGNAL);
    });
    if (sent < 0) throw_error(errno, "send to", batch.address(done));
    done += static_cast<std::size_t>(sent);
  }
}

bool UdpSocket::join_received(bool on) noexcept {
  const int value = on ? 1 : 0;
  return real::setsockopt(descriptor(), SOL_UDP, UDP_GRO, &value, sizeof value) == 0;
}

}  // namespace colibri
