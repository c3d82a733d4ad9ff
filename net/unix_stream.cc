#include "colibri/net/unix_stream.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "colibri/core/libc.h"
#include "colibri/core/received_descriptors.h"
#include "colibri/core/sleep.h"
#include "colibri/net/accept_call.h"
#include "colibri/net/net_error.h"

namespace colibri {
namespace {

using net_detail::CallDeadline;
using net_detail::socket_call;
using net_detail::throw_error;

void refuse_unless_unix(const Address& address, std::string_view what) {
  if (!address.is_unix()) throw_error(EAFNOSUPPORT, what, address);
}

/// Room for control messages, as the kernel wants it aligned. In the heap, since it is used over
/// waits.
std::vector<cmsghdr> control_room() {
  constexpr std::size_t kBytes = CMSG_SPACE(UnixStream::kMostDescriptors * sizeof(int));
  return std::vector<cmsghdr>(kBytes / sizeof(cmsghdr) + 1);
}

msghdr message_of(iovec& piece, std::vector<cmsghdr>& control, std::size_t control_size) noexcept {
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control_size;
  return message;
}

/// Takes the descriptors out of a message that has come.
std::vector<OwnedDescriptor> descriptors_in(msghdr& message) {
  std::vector<OwnedDescriptor> taken;
  taken.reserve(UnixStream::kMostDescriptors);  // from here on, nothing fails
  for_each_received_descriptor(message, [&](int number) { taken.emplace_back(number); });
  return taken;
}

/// True if `address` is a path that is a socket on which nobody listens.
bool is_left_behind(const Address& address) {
  if (address.path().starts_with('@')) return false;
  const Socket probe = Socket::open(address, SOCK_STREAM);
  return real::connect(probe.descriptor(), address.data(), address.size()) != 0 &&
         errno == ECONNREFUSED;
}

}  // namespace

UnixStream UnixStream::adopt(int descriptor) {
  Socket socket = Socket::adopt(descriptor);
  if (!socket.local_address().is_unix()) {
    socket.release();  // it is still the caller's
    throw_error(EAFNOSUPPORT, "adopt a stream that is not of the Unix domain");
  }
  return UnixStream(std::move(socket));
}

std::pair<UnixStream, UnixStream> UnixStream::pair() {
  int ends[2];
  if (real::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    throw_error(errno, "make a pair of streams");
  }
  return {UnixStream(Socket(OwnedDescriptor(ends[0]))),
          UnixStream(Socket(OwnedDescriptor(ends[1])))};
}

UnixStream UnixStream::connect(const Address& address, Deadline deadline) {
  refuse_unless_unix(address, "connect by a Unix stream to");
  if (!net_detail::may_begin_call()) throw_error(errno, "connect to", address);
  Socket socket = Socket::open(address, SOCK_STREAM);
  constexpr std::chrono::milliseconds kLongestPause{50};
  // No event tells when there is room again.
  for (std::chrono::milliseconds pause{1};; pause = std::min(2 * pause, kLongestPause)) {
    if (real::connect(socket.descriptor(), address.data(), address.size()) == 0) break;
    if (errno != EAGAIN && errno != EINTR) throw_error(errno, "connect to", address);
    if (deadline.has_passed()) throw_error(ETIMEDOUT, "connect to", address);
    sleep_until(std::min(deadline, Deadline::after(pause)));
  }
  return UnixStream(std::move(socket));
}

void UnixStream::write_with_descriptors(std::span<const std::byte> bytes,
                                        std::span<const int> descriptors) {
  if (bytes.empty() || descriptors.size() > kMostDescriptors) {
    throw std::invalid_argument("descriptors go with at least one byte, and 253 at most at once");
  }
  if (descriptors.empty()) return write_all(bytes);
  std::vector<cmsghdr> control = control_room();
  iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
  const msghdr message = message_of(piece, control, CMSG_SPACE(descriptors.size_bytes()));
  cmsghdr& header = control.front();
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  header.cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(&header), descriptors.data(), descriptors.size_bytes());
  const ssize_t sent = socket_call(
      number(), Direction::kWrite, CallDeadline(timeouts().write),
      [&] { return real::sendmsg(descriptor(), &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
  if (sent < 0) fail("write with descriptors to");
  write_all(bytes.subspan(static_cast<std::size_t>(sent)));
}

std::size_t UnixStream::read_with_descriptors(std::span<std::byte> buffer,
                                              std::vector<OwnedDescriptor>& descriptors) {
  if (buffer.empty()) return 0;
  std::vector<cmsghdr> control = control_room();
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  const ssize_t size = socket_call(number(), Direction::kRead, CallDeadline(timeouts().idle), [&] {
    message = message_of(piece, control, control.size() * sizeof(cmsghdr));
    return real::recvmsg(descriptor(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  });
  if (size < 0) fail("read with descriptors from");
  std::vector<OwnedDescriptor> taken = descriptors_in(message);
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    errno = EMFILE;
    fail("take all descriptors from");
  }
  std::move(taken.begin(), taken.end(), std::back_inserter(descriptors));
  return static_cast<std::size_t>(size);
}

UnixListener::UnixListener(const Address& address, int backlog)
    : socket_(Socket::open(address, SOCK_STREAM)) {
  refuse_unless_unix(address, "listen for Unix streams on");
  try {
    net_detail::bind_and_listen(socket_, address, backlog);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::address_in_use || !is_left_behind(address)) throw;
    unlink(address.path().c_str());
    net_detail::bind_and_listen(socket_, address, backlog);
  }
}

UnixListener UnixListener::adopt(int descriptor) {
  Socket socket = net_detail::adopt_listener(descriptor);
  if (!socket.local_address().is_unix()) {
    socket.release();  // it is still the caller's
    throw_error(EAFNOSUPPORT, "adopt a listener that is not of the Unix domain");
  }
  return UnixListener(std::move(socket));
}

UnixStream UnixListener::accept() {
  return UnixStream(net_detail::accept_from(socket_).socket);
}

}  // namespace colibri
