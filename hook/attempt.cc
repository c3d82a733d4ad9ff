#include "colibri/hook/attempt.h"

#include <limits.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

bool is_ready(int number, short events) noexcept {
  pollfd query{number, events, 0};
  return real::poll(&query, 1, 0) != 0;
}

ssize_t would_block() noexcept {
  errno = EAGAIN;
  return -1;
}

msghdr message_of(const iovec* buffers, int count) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(buffers);
  message.msg_iovlen = static_cast<std::size_t>(count);
  return message;
}

/// For what knows neither MSG_DONTWAIT nor RWF_NOWAIT. Between poll and read somebody else may take
/// the data, and the read then blocks; nothing better exists for terminals.
ssize_t read_if_ready(int number, const iovec* buffers, int count) noexcept {
  return is_ready(number, POLLIN) ? real::readv(number, buffers, count) : would_block();
}

/// A pipe that polls writable takes PIPE_BUF bytes without blocking, and no more is sure.
ssize_t write_if_ready(int number, const iovec* buffers, int count) noexcept {
  if (!is_ready(number, POLLOUT)) return would_block();
  while (count > 1 && buffers->iov_len == 0) ++buffers, --count;
  return real::write(number, buffers->iov_base, std::min<std::size_t>(buffers->iov_len, PIPE_BUF));
}

}  // namespace

ssize_t try_read(const Descriptor& descriptor, int number, const iovec* buffers,
                 int count) noexcept {
  if (descriptor.is_socket()) {
    if (count == 1) {
      return real::recv(number, buffers->iov_base, buffers->iov_len, MSG_DONTWAIT);
    }
    msghdr message = message_of(buffers, count);
    return real::recvmsg(number, &message, MSG_DONTWAIT);
  }
  if (descriptor.kind == DescriptorKind::kPipe || descriptor.kind == DescriptorKind::kPollable) {
    const ssize_t size = real::preadv2(number, buffers, count, -1, RWF_NOWAIT);
    if (size >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return size;
  }
  return read_if_ready(number, buffers, count);
}

ssize_t try_write(const Descriptor& descriptor, int number, const iovec* buffers, int count,
                  bool continued) noexcept {
  if (descriptor.is_socket()) {
    const int flags = MSG_DONTWAIT | (continued ? MSG_NOSIGNAL : 0);
    if (count == 1) return real::send(number, buffers->iov_base, buffers->iov_len, flags);
    const msghdr message = message_of(buffers, count);
    return real::sendmsg(number, &message, flags);
  }
  if (descriptor.kind == DescriptorKind::kPipe || descriptor.kind == DescriptorKind::kPollable) {
    const ssize_t size = real::pwritev2(number, buffers, count, -1, RWF_NOWAIT);
    if (size >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return size;
  }
  return write_if_ready(number, buffers, count);
}

}  // namespace colibri
