#include "colibri/hook/attempt.h"

#include <limits.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/buffers.h"
#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

/// Sockets know RWF_NOWAIT since Linux 6.5.
std::atomic<bool> sockets_know_nowait{true};

/// True if the kernel does not know RWF_NOWAIT for this descriptor.
bool is_ignorance(int error) noexcept {
  return error == EOPNOTSUPP || error == ENOSYS;
}

bool may_know_nowait(const Descriptor& descriptor) noexcept {
  if (descriptor.is_socket()) return sockets_know_nowait.load(std::memory_order_relaxed);
  const DescriptorKind kind = descriptor.kind.load(std::memory_order_relaxed);
  return kind == DescriptorKind::kPipe || kind == DescriptorKind::kPollable;
}

void note_ignorance(const Descriptor& descriptor) noexcept {
  if (descriptor.is_socket()) sockets_know_nowait.store(false, std::memory_order_relaxed);
}

/// For what knows neither MSG_DONTWAIT nor RWF_NOWAIT. Between poll and read somebody else may take
/// the data, and the read then blocks; nothing better exists for terminals.
ssize_t read_if_ready(int number, const iovec* buffers, int count) noexcept {
  return is_ready(number, POLLIN) ? real::readv(number, buffers, count) : fail_with_errno(EAGAIN);
}

/// A pipe that polls writable takes PIPE_BUF bytes without blocking, and no more is sure.
ssize_t write_if_ready(int number, const iovec* buffers, int count) noexcept {
  if (!is_ready(number, POLLOUT)) return fail_with_errno(EAGAIN);
  while (count > 1 && buffers->iov_len == 0) ++buffers, --count;
  return real::write(number, buffers->iov_base, std::min<std::size_t>(buffers->iov_len, PIPE_BUF));
}

/// For vectors that the kernel has not looked at yet, before somebody waits or an empty message
/// goes: true if the call is over, with its result. What is wrong with them the call itself says.
template <class Call>
bool is_over_at_once(const iovec* buffers, int count, Call call, ssize_t& result) noexcept {
  std::size_t total = 0;
  const bool good =
      count >= 0 && sum_program_buffers(buffers, static_cast<std::size_t>(count), total);
  if (good && total != 0) return false;
  result = good ? 0 : call();
  return true;
}

}  // namespace

bool is_no_socket(int number) noexcept {
  if (errno != ENOTSOCK) return false;
  descriptor_table::closing(number);
  return true;
}

ssize_t try_read_file(const Descriptor& descriptor, int number, void* buffer,
                      std::size_t size) noexcept {
  const iovec whole{buffer, size};
  if (may_know_nowait(descriptor)) {
    const ssize_t result = real::preadv2(number, &whole, 1, -1, RWF_NOWAIT);
    if (result >= 0 || !is_ignorance(errno)) return result;
  }
  return read_if_ready(number, &whole, 1);
}

ssize_t try_readv(const Descriptor& descriptor, int number, const iovec* buffers,
                  int count) noexcept {
  if (may_know_nowait(descriptor)) {
    const ssize_t result = real::preadv2(number, buffers, count, -1, RWF_NOWAIT);
    if (result >= 0 || !is_ignorance(errno)) return result;
    note_ignorance(descriptor);
  }
  ssize_t result = 0;
  const auto call = [&] { return real::readv(number, buffers, count); };
  if (is_over_at_once(buffers, count, call, result)) return result;
  if (!descriptor.is_socket()) return read_if_ready(number, buffers, count);
  msghdr message = message_of(buffers, static_cast<std::size_t>(count));
  return real::recvmsg(number, &message, MSG_DONTWAIT);
}

ssize_t try_write_file(const Descriptor& descriptor, int number, const void* buffer,
                       std::size_t size) noexcept {
  const iovec whole{const_cast<void*>(buffer), size};
  if (may_know_nowait(descriptor)) {
    const ssize_t result = real::pwritev2(number, &whole, 1, -1, RWF_NOWAIT);
    if (result >= 0 || !is_ignorance(errno)) return result;
  }
  return write_if_ready(number, &whole, 1);
}

ssize_t try_writev(const Descriptor& descriptor, int number, const iovec* buffers, int count,
                   bool continued) noexcept {
  const bool quiet = continued && descriptor.is_socket();  // pwritev2 has no MSG_NOSIGNAL
  if (!quiet && may_know_nowait(descriptor)) {
    const ssize_t result = real::pwritev2(number, buffers, count, -1, RWF_NOWAIT);
    if (result >= 0 || !is_ignorance(errno)) return result;
    note_ignorance(descriptor);
  }
  ssize_t result = 0;
  const auto call = [&] { return real::writev(number, buffers, count); };
  if (!continued && is_over_at_once(buffers, count, call, result)) return result;
  if (!descriptor.is_socket()) return write_if_ready(number, buffers, count);
  const msghdr message = message_of(buffers, static_cast<std::size_t>(count));
  return real::sendmsg(number, &message, MSG_DONTWAIT | (continued ? MSG_NOSIGNAL : 0));
}

}  // namespace colibri
