// read, readv, recv, recvfrom, recvmsg.
#include <poll.h>

#include <algorithm>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/buffers.h"

namespace colibri {
namespace {

/// A read that moved less than it was offered room for may have emptied the socket; see
/// event_loop.h and the exceptions there.
void note_read(const CallSite& call, ssize_t result, std::size_t room) noexcept {
  if (result > 0 && static_cast<std::size_t>(result) < room &&
      call.descriptor.kind.load(std::memory_order_relaxed) == DescriptorKind::kTcp) {
    note_short_read(call.number);
  }
}

/// How many bytes the kernel's blocking read would wait for: as many as SO_RCVLOWAT says.
std::size_t bytes_to_wait_for(const Descriptor& descriptor, std::size_t room) noexcept {
  const int low_water = descriptor.receive_low_water.load(std::memory_order_relaxed);
  return low_water > 1 ? std::min(static_cast<std::size_t>(low_water), room) : 1;
}

/// read and readv. An empty room returns at once, as in libc, whatever the descriptor's state.
template <class Plain>
ssize_t blocking_read(int number, const iovec* buffers, int count, Plain plain) {
  const Descriptor* descriptor = parkable_descriptor(number);
  if (descriptor == nullptr) return plain();
  if (count < 0 || is_bad_array(buffers, static_cast<std::size_t>(count))) return plain();
  const std::size_t room = total_bytes(buffers, static_cast<std::size_t>(count));
  if (room == 0) return plain();
  CallSite call(number, *descriptor, Direction::kRead);
  const std::size_t wanted = bytes_to_wait_for(*descriptor, room);
  if (wanted == 1) [[likely]] {
    return blocking_call(call, plain, [&] {
      const ssize_t result = try_read(*descriptor, number, buffers, count);
      note_read(call, result, room);
      return result;
    });
  }
  BufferCursor cursor(buffers, static_cast<std::size_t>(count));
  return blocking_transfer(call, wanted, plain, [&](std::size_t done) {
    cursor.seek(done);
    return try_read(*descriptor, number, cursor.data(), static_cast<int>(cursor.size()));
  });
}

/// Flags with which a read must not be taken as a sign that the socket is empty.
constexpr int kNoProofFlags = MSG_PEEK | MSG_OOB | MSG_TRUNC | MSG_ERRQUEUE;

/// recv, recvfrom and recvmsg: `attempt(flags)` makes the call once. `room` is the bytes it could
/// take.
template <class Attempt>
ssize_t blocking_receive(int number, int flags, std::size_t room, Attempt attempt) {
  const Descriptor* descriptor = parkable_descriptor(number);
  // Out-of-band data and the error queue are there or not; libc does not wait for them.
  if (descriptor == nullptr || !descriptor->is_socket() ||
      (flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) != 0) {
    return attempt(flags);
  }
  CallSite call(number, *descriptor, Direction::kRead);
  return blocking_call(
      call, [&] { return attempt(flags); },
      [&] {
        const ssize_t result = attempt(flags | MSG_DONTWAIT);
        if ((flags & kNoProofFlags) == 0) note_read(call, result, room);
        return result;
      });
}

/// MSG_PEEK with MSG_WAITALL: looks again, from the start, until enough is there or the stream has
/// come to its end.
template <class Attempt>
ssize_t peek_until(CallSite call, std::size_t wanted, Attempt attempt) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  for (ssize_t seen = -1;;) {
    const ssize_t result = attempt();
    if (result < 0 && errno != EAGAIN) return result;
    const DescriptorState* state = thread_state.event_loop->find(call.number);
    const bool ended = state != nullptr && state->hung_up;
    if (result == 0 || result >= static_cast<ssize_t>(wanted) || (result > 0 && ended)) {
      return kept(result);
    }
    seen = result;
    const WakeReason reason = wait_ready(call.number, call.direction, call.limits());
    if (reason != WakeReason::kFired) {
      return seen > 0 ? kept(seen) : fail_with_errno(error_of(reason));
    }
  }
}

/// True where the kernel's blocking receive on a stream waits for more than the first bytes.
bool waits_for_more(const Descriptor& descriptor, int flags, std::size_t room) noexcept {
  return descriptor.is_stream() &&
         ((flags & MSG_WAITALL) != 0 || bytes_to_wait_for(descriptor, room) > 1);
}

/// True when the connection has failed and nothing is left to read. A receive that has got a part
/// then ends with it, and leaves the error for the next call, as libc's does.
bool has_failed(const CallSite& call, std::size_t done) noexcept {
  if (done == 0) return false;
  const DescriptorState* state = thread_state.event_loop->find(call.number);
  if (state == nullptr || !state->hung_up) return false;
  pollfd query{call.number, POLLIN, 0};
  int left = 0;
  if (real::poll(&query, 1, 0) != 1 || (query.revents & POLLERR) == 0) return false;
  if (real::ioctl(call.number, FIONREAD, &left) == 0 && left != 0) return false;
  errno = ECONNRESET;  // anything but EAGAIN: nobody sees it
  return true;
}

/// A receive that waits for `wanted` bytes; `attempt(done, flags)` takes what follows `done`.
template <class Attempt>
ssize_t receive_all(int number, const Descriptor& descriptor, int flags, std::size_t wanted,
                    Attempt attempt) {
  CallSite call(number, descriptor, Direction::kRead);
  const int once = (flags & ~MSG_WAITALL) | MSG_DONTWAIT;
  if ((flags & MSG_PEEK) != 0) return peek_until(call, wanted, [&] { return attempt(0, once); });
  return blocking_transfer(
      call, wanted, [&] { return attempt(0, flags); },
      [&](std::size_t done) -> ssize_t {
        return has_failed(call, done) ? -1 : attempt(done, once);
      });
}

/// The stream that a call with these flags must wait on for more than the first bytes, or null.
const Descriptor* patient_stream(int number, int flags, std::size_t room) noexcept {
  if ((flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) != 0 || room == 0) return nullptr;
  const Descriptor* descriptor = parkable_descriptor(number);
  return descriptor != nullptr && descriptor->is_socket() &&
                 waits_for_more(*descriptor, flags, room)
             ? descriptor
             : nullptr;
}

std::size_t bytes_wanted(const Descriptor& descriptor, int flags, std::size_t room) noexcept {
  return (flags & MSG_WAITALL) != 0 ? room : bytes_to_wait_for(descriptor, room);
}

/// Whether descriptors have come, which part the stream, unlike credentials.
bool has_descriptors(msghdr& message) noexcept {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_RIGHTS) return true;
  }
  return (message.msg_flags & MSG_CTRUNC) != 0;
}

/// Takes what follows the first parts of a message: its ancillary data may come with any part.
ssize_t receive_rest(int number, msghdr* message, const BufferCursor& cursor,
                     std::size_t control_room, int flags) {
  msghdr rest{};
  rest.msg_iov = const_cast<iovec*>(cursor.data());
  rest.msg_iovlen = cursor.size();
  const bool has_control = message->msg_controllen != 0;
  if (!has_control) {
    rest.msg_control = message->msg_control;
    rest.msg_controllen = control_room;
  }
  const ssize_t result = real::recvmsg(number, &rest, flags);
  if (result < 0 || has_control) return result;
  message->msg_controllen = rest.msg_controllen;
  message->msg_flags |= rest.msg_flags & MSG_CTRUNC;
  return result;
}

/// recvmsg that waits for more than the first bytes. Descriptors part the stream: it stops behind
/// them.
ssize_t receive_message_all(int number, const Descriptor& descriptor, msghdr* message, int flags,
                            std::size_t room) {
  BufferCursor cursor(message->msg_iov, message->msg_iovlen);
  const std::size_t control_room = message->msg_controllen;
  return receive_all(number, descriptor, flags, bytes_wanted(descriptor, flags, room),
                     [&](std::size_t done, int once) -> ssize_t {
                       if (done == 0) return real::recvmsg(number, message, once);
                       if (has_descriptors(*message)) {
                         return fail_with_errno(EMSGSIZE);  // nobody sees it
                       }
                       cursor.seek(done);
                       return receive_rest(number, message, cursor, control_room, once);
                     });
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

ssize_t read(int fd, void* buffer, size_t size) {
  const iovec whole{buffer, size};
  return blocking_read(fd, &whole, 1, [&] { return real::read(fd, buffer, size); });
}

ssize_t readv(int fd, const iovec* buffers, int count) {
  return blocking_read(fd, buffers, count, [&] { return real::readv(fd, buffers, count); });
}

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  if (const Descriptor* stream = patient_stream(fd, flags, size)) {
    return receive_all(
        fd, *stream, flags, bytes_wanted(*stream, flags, size), [&](std::size_t done, int once) {
          return real::recv(fd, static_cast<char*>(buffer) + done, size - done, once);
        });
  }
  return blocking_receive(fd, flags, size,
                          [&](int once) { return real::recv(fd, buffer, size, once); });
}

ssize_t recvfrom(int fd, void* buffer, size_t size, int flags, sockaddr* address,
                 socklen_t* address_size) {
  if (const Descriptor* stream = patient_stream(fd, flags, size)) {
    return receive_all(fd, *stream, flags, bytes_wanted(*stream, flags, size),
                       [&](std::size_t done, int once) {
                         return real::recvfrom(fd, static_cast<char*>(buffer) + done, size - done,
                                               once, address, address_size);
                       });
  }
  return blocking_receive(fd, flags, size, [&](int once) {
    return real::recvfrom(fd, buffer, size, once, address, address_size);
  });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  if (parkable_coroutine() == nullptr || message == nullptr ||
      is_bad_array(message->msg_iov, message->msg_iovlen)) {
    return real::recvmsg(fd, message, flags);
  }
  const std::size_t room = total_bytes(message->msg_iov, message->msg_iovlen);
  if (const Descriptor* stream = patient_stream(fd, flags, room)) {
    return receive_message_all(fd, *stream, message, flags, room);
  }
  return blocking_receive(fd, flags, room,
                          [&](int once) { return real::recvmsg(fd, message, once); });
}

}  // extern "C"
