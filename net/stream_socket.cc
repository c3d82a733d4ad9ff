#include "colibri/net/stream_socket.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/core/ring_transfer.h"
#include "colibri/net/io_vectors.h"
#include "colibri/net/net_error.h"
#include "colibri/net/stream_reads.h"

namespace colibri {

using net_detail::CallDeadline;
using net_detail::socket_call;
using net_detail::throw_error;
using net_detail::try_until_done;

StreamSocket::StreamSocket(Socket socket, const Address* peer, bool short_reads_prove) noexcept
    : socket_(std::move(socket)), short_reads_prove_(short_reads_prove) {
  if (peer != nullptr && !peer->is_unix()) std::memcpy(&peer_, peer->data(), peer->size());
}

std::optional<Address> StreamSocket::known_peer() const {
  if (peer_.sin6_family == AF_UNSPEC) return std::nullopt;
  return Address(reinterpret_cast<const sockaddr*>(&peer_), sizeof peer_);
}

void StreamSocket::fail(std::string_view what) const {
  const int error = errno;
  if (const std::optional<Address> peer = known_peer()) throw_error(error, what, *peer);
  // Of two Unix sockets, one has a name in most cases.
  sockaddr_storage name{};
  auto* any = reinterpret_cast<sockaddr*>(&name);
  for (const auto ask : {&::getpeername, &::getsockname}) {
    socklen_t size = sizeof name;
    if (ask(descriptor(), any, &size) == 0 && any->sa_family == AF_UNIX &&
        size > sizeof(sa_family_t)) {
      throw_error(error, what, Address(any, size));
    }
  }
  throw_error(error, std::string(what) + " a stream");
}

// Reading ----------------------------------------------------------------------------------------

/// A short read has emptied a TCP socket; see event_loop.h for when it has not.
inline void StreamSocket::note_read(std::size_t size, std::size_t room) const noexcept {
  if (short_reads_prove_ && size < room && size != 0) {
    note_short_read(net_detail::state_of(socket_.descriptor()));
  }
}

/// One receive by the ring engine, after may_begin_call. -1 with errno; EAGAIN: it is to be tried
/// without the ring.
ssize_t StreamSocket::receive_with_ring(std::span<std::byte> buffer, CallDeadline& deadline) {
  DescriptorState* state = thread_state.event_loop->find_or_create(descriptor());
  while (state != nullptr && may_receive_by_ring(*state)) {
    if (!state->expects_empty) {
      const ssize_t size = real::recv(descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      state->expects_empty = size > 0 && static_cast<std::size_t>(size) < buffer.size();
      if (size >= 0 || (errno != EAGAIN && errno != EINTR)) return size;
    }
    WakeReason early;
    const ssize_t size = receive_by_ring(*state, descriptor(), buffer.data(), buffer.size(),
                                         {.deadline = deadline.get()}, early);
    if (early != WakeReason::kFired && !net_detail::may_go_on(early)) return -1;
    if (size >= 0 || errno != EAGAIN) return size;
    state->expects_empty = false;
  }
  errno = EAGAIN;
  return -1;
}

/// One receive of a stream that receives ahead, or has done so; likewise.
ssize_t StreamSocket::receive_ahead(std::span<std::byte> buffer, CallDeadline& deadline) {
  // Before the clock is looked at.
  if (const std::size_t size = take_received(buffer)) return static_cast<ssize_t>(size);
  WakeReason early;
  const ssize_t size = colibri::receive_ahead(ahead_, descriptor(), buffer.data(), buffer.size(),
                                              {.deadline = deadline.get()}, early);
  if (early != WakeReason::kFired && !net_detail::may_go_on(early)) return -1;
  return size;
}

/// One try, without waiting.
ssize_t StreamSocket::receive_now(std::span<std::byte> buffer) {
  if (ahead_ != nullptr) {
    if (has_received()) {
      if (const std::size_t size = take_received(buffer)) return static_cast<ssize_t>(size);
      errno = ahead_->take_error();
      return -1;
    }
    if (ahead_->is_receiving()) {
      errno = EAGAIN;
      return -1;
    }
  }
  const ssize_t size = real::recv(descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size > 0) note_read(static_cast<std::size_t>(size), buffer.size());
  return size;
}

std::size_t StreamSocket::receive(std::span<std::byte> buffer, CallDeadline deadline) {
  if (buffer.empty()) return 0;
  if (short_reads_prove_ && net_detail::has_ring()) {
    if (!net_detail::may_begin_call()) fail("read from");
    const bool may_be_there = ahead_ != nullptr && !ahead_->is_over();
    const ssize_t size =
        may_be_there ? receive_ahead(buffer, deadline) : receive_with_ring(buffer, deadline);
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EAGAIN) fail("read from");
  }
  const ssize_t size =
      socket_call(number(), Direction::kRead, deadline, [&] { return receive_now(buffer); });
  if (size < 0) [[unlikely]]
    fail("read from");
  return static_cast<std::size_t>(size);
}

std::optional<std::size_t> StreamSocket::try_read_some(std::span<std::byte> buffer) {
  if (buffer.empty()) return 0;
  const std::optional<std::size_t> size =
      net_detail::socket_try(descriptor(), Direction::kRead, [&] { return receive_now(buffer); });
  if (!size && errno != EAGAIN) fail("read from");
  return size;
}

/// read_some of a stream that receives ahead: waits for the first buffer alone.
std::size_t StreamSocket::receive_pieces(std::span<const iovec> buffers) {
  std::size_t done = 0;
  for (const iovec& each : buffers) {
    const std::span room(static_cast<std::byte*>(each.iov_base), each.iov_len);
    const std::size_t size =
        done == 0 ? receive(room, CallDeadline(timeouts_.idle)) : take_received(room);
    done += size;
    if (size < room.size()) break;
  }
  return done;
}

std::size_t StreamSocket::read_some(std::span<const iovec> buffers) {
  const std::size_t room = net_detail::total_size(buffers);
  if (room == 0) return 0;
  if (ahead_ != nullptr) return receive_pieces(buffers);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(buffers.data());
  message.msg_iovlen = std::min<std::size_t>(buffers.size(), IOV_MAX);
  const ssize_t size = socket_call(number(), Direction::kRead, CallDeadline(timeouts_.idle), [&] {
    return real::recvmsg(socket_.descriptor(), &message, MSG_DONTWAIT);
  });
  if (size < 0) fail("read from");
  if (message.msg_iovlen == buffers.size()) note_read(static_cast<std::size_t>(size), room);
  return static_cast<std::size_t>(size);
}

bool StreamSocket::read_exactly(std::span<std::byte> buffer) {
  return net_detail::read_exactly(*this, buffer,
                                  [this](std::span<std::byte> room, const CallDeadline& deadline) {
                                    return receive(room, deadline);
                                  });
}

std::size_t StreamSocket::read_until(std::string& buffer, std::string_view delimiter,
                                     std::size_t limit) {
  return net_detail::read_until(*this, buffer, delimiter, limit,
                                [this](std::span<std::byte> room, const CallDeadline& deadline) {
                                  return receive(room, deadline);
                                });
}

bool StreamSocket::is_readable() {
  if (ahead_ != nullptr && has_received()) return true;
  if (ahead_ != nullptr && ahead_->is_receiving()) return false;
  DescriptorState* state = net_detail::state_of(descriptor());
  if (is_drained(state, Direction::kRead)) return false;
  pollfd query{descriptor(), POLLIN | POLLRDHUP, 0};
  if (real::poll(&query, 1, 0) != 0) return true;
  note_drained(state, Direction::kRead);
  return false;
}

void StreamSocket::wait_readable() {
  if (!net_detail::may_begin_call()) fail("wait for");
  if (is_readable()) return;
  if (!net_detail::wait_for(descriptor(), Direction::kRead, CallDeadline(timeouts_.idle).get())) {
    fail("wait for");
  }
}

// Receiving ahead --------------------------------------------------------------------------------

void StreamSocket::set_receive_ahead(bool on) {
  if (!on) {
    if (ahead_ != nullptr) ahead_->stop();
  } else if (ahead_ != nullptr) {
    ahead_->allow();
  } else if (short_reads_prove_ && net_detail::has_ring()) {
    ahead_ = std::make_unique<ReceivedAhead>();
  }
}

/// Bytes, or how the connection has failed.
bool StreamSocket::has_received() {
  if (ahead_->size() == 0 && !ahead_->has_error() && ahead_->is_receiving()) ahead_->look();
  return ahead_->size() != 0 || ahead_->has_error();
}

std::size_t StreamSocket::take_received(std::span<std::byte> buffer) noexcept {
  return ahead_ != nullptr ? ahead_->take(buffer.data(), buffer.size()) : 0;
}

std::size_t StreamSocket::peek_received(std::span<std::byte> buffer) const noexcept {
  return ahead_ != nullptr ? ahead_->peek(buffer.data(), buffer.size()) : 0;
}

int StreamSocket::release() noexcept {
  check(ahead_ == nullptr || (ahead_->is_stopped() && ahead_->size() == 0),
        "StreamSocket::release of a stream that receives ahead: what has come would be lost; call "
        "set_receive_ahead(false), and take_received until it says 0");
  ahead_.reset();
  return socket_.release();
}

// Writing ----------------------------------------------------------------------------------------

/// One try, by the ring if that is better.
ssize_t StreamSocket::send_with_ring(std::span<const std::byte> bytes) {
  DescriptorState* state = thread_state.event_loop->find_or_create(descriptor());
  if (state != nullptr && better_sent_by_ring(*state, bytes.size())) {
    return send_by_ring(*state, descriptor(), bytes.data(), bytes.size());
  }
  return real::send(descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::size_t StreamSocket::send_some(std::span<const std::byte> bytes, CallDeadline& deadline) {
  const ssize_t sent = try_until_done(number(), Direction::kWrite, deadline, [&] {
    if (net_detail::has_ring()) return send_with_ring(bytes);
    return real::send(socket_.descriptor(), bytes.data(), bytes.size(),
                      MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (sent < 0) [[unlikely]]
    fail("write to");
  return static_cast<std::size_t>(sent);
}

std::optional<std::size_t> StreamSocket::try_write_some(std::span<const std::byte> bytes) {
  const std::optional<std::size_t> size =
      net_detail::socket_try(descriptor(), Direction::kWrite, [&] {
        return real::send(descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      });
  if (!size && errno != EAGAIN) fail("write to");
  return size;
}

void StreamSocket::write_all(std::span<const iovec> buffers) {
  if (!net_detail::may_begin_call()) fail("write to");
  CallDeadline deadline(timeouts_.write);
  net_detail::RemainingVectors rest(buffers);
  while (!rest.empty()) {
    const ssize_t sent = try_until_done(number(), Direction::kWrite, deadline, [&] {
      std::array<iovec, net_detail::RemainingVectors::kAtOnce> some;
      const msghdr message = rest.next(some);
      return real::sendmsg(descriptor(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    });
    if (sent < 0) fail("write to");
    rest.advance(static_cast<std::size_t>(sent));
  }
}

void StreamSocket::shutdown_write() {
  if (real::shutdown(descriptor(), SHUT_WR) != 0) fail("end the stream to");
}

void StreamSocket::set_option(int level, int name, int value) {
  // With a low-water mark or a protocol of the kernel's on top, short reads prove nothing.
  const bool harmless =
      level == IPPROTO_TCP ? name != TCP_ULP : level == SOL_SOCKET && name != SO_RCVLOWAT;
  if (!harmless) set_receive_ahead(false);
  socket_.set_option(level, name, value);
  short_reads_prove_ &= harmless;
}

}  // namespace colibri
