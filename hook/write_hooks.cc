// write, writev, send, sendto, sendmsg.
#include <poll.h>

#include "colibri/core/ring_transfer.h"
#include "colibri/hook/attempt.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/buffers.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/file_call.h"

namespace colibri {
namespace {

bool to_the_peer() noexcept {
  return false;
}

/// A message goes whole or not at all. `is_named()` says, after a first try, whether it goes to a
/// receiver that the call names: a Unix one whose queue is full of others' messages makes it wait,
/// but the kernel calls this socket writable and tells nobody when there is room.
template <class Plain, class Attempt, class Named>
ssize_t send_whole(CallSite& call, Plain plain, Attempt attempt, Named is_named) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  const ssize_t result = attempt();
  if (result >= 0 || errno != EAGAIN) return kept(result);
  if (is_named()) return kept(try_in_pauses(call, attempt));
  note_drained(call.state(), call.direction);
  return kept(try_and_wait(call, plain, attempt));
}

/// True when the rest of a write cannot go out since the connection has failed. The write then ends
/// with the part that went, and leaves the error for the next call, as libc's does: another try
/// would take it away.
[[gnu::noinline]] bool has_failed(CallSite& call) noexcept {
  if (!call.descriptor.is_socket()) return false;
  const DescriptorState* state = call.state();
  if (state == nullptr || !state->hung_up) return false;
  pollfd query{call.number, POLLOUT, 0};
  if (real::poll(&query, 1, 0) != 1 || (query.revents & (POLLERR | POLLHUP)) == 0) return false;
  errno = EPIPE;  // anything but EAGAIN: nobody sees it
  return true;
}

/// Flags of one try. What has been sent in part must not raise SIGPIPE for its rest.
int flags_of_try(int flags, std::size_t done) noexcept {
  return flags | MSG_DONTWAIT | (done != 0 ? MSG_NOSIGNAL : 0);
}

/// The buffers of a message: known to be good once a call has taken some of them.
std::size_t bytes_of(const msghdr& message) noexcept {
  return total_bytes(message.msg_iov, message.msg_iovlen);
}

/// sendmsg on a stream. Ancillary data goes with the first part.
ssize_t send_stream_message(CallSite& call, const msghdr* message, int flags) {
  const int number = call.number;
  return blocking_transfer(
      call, [&] { return bytes_of(*message); },
      [&] { return real::sendmsg(number, message, flags); },
      [&](std::size_t done) -> ssize_t {
        if (done == 0) return real::sendmsg(number, message, flags_of_try(flags, 0));
        if (has_failed(call)) return -1;
        BufferCursor cursor(message->msg_iov, message->msg_iovlen);
        cursor.seek(done);
        msghdr rest{};
        rest.msg_iov = const_cast<iovec*>(cursor.data());
        rest.msg_iovlen = cursor.size();
        return real::sendmsg(number, &rest, flags_of_try(flags, done));
      });
}

/// Goes on where the first try to send on a stream socket, which said `result`, has not sent all.
[[gnu::noinline]] ssize_t send_rest(int fd, const Descriptor& descriptor, const void* buffer,
                                    size_t size, int flags, ssize_t result, KeptErrno kept) {
  CallSite call(fd, descriptor, Direction::kWrite);
  if (result < 0 && errno == EBADF) descriptor_table::forget_if_closed(fd);
  if (result < 0 && errno != EAGAIN) return -1;
  if (result < 0) note_drained(call.state(), Direction::kWrite);
  const auto plain = [&] { return real::send(fd, buffer, size, flags); };
  const auto attempt = [&](std::size_t done) -> ssize_t {
    if (done != 0 && has_failed(call)) return -1;
    return real::send(fd, static_cast<const char*>(buffer) + done, size - done,
                      flags_of_try(flags, done));
  };
  return transfer_from(
      result < 0 ? 0 : static_cast<std::size_t>(result), kept, call, [&] { return size; }, plain,
      attempt);
}

/// One try, by the ring if that is better. As send with MSG_DONTWAIT.
[[gnu::noinline]] ssize_t send_with_ring(int fd, const void* buffer, size_t size, int flags) {
  DescriptorState* state = thread_state.event_loop->find_or_create(fd);
  if (state != nullptr && better_sent_by_ring(*state, size)) {
    const ssize_t result = send_by_ring(*state, fd, buffer, size);
    // The signal of a broken pipe, which the ring never raises, comes with another try.
    if (result >= 0 || errno != EPIPE || (flags & MSG_NOSIGNAL) != 0) return result;
  }
  return real::send(fd, buffer, size, flags | MSG_DONTWAIT);
}

/// The usual case in few instructions: a stream socket that has room for all of it. False: nothing
/// has happened, or a first try found that this is no socket; the call is to be made at length.
[[gnu::always_inline]] inline bool send_at_once(int fd, const void* buffer, size_t size, int flags,
                                                ssize_t& result) {
  const Descriptor* descriptor = parkable_descriptor(fd);
  if (descriptor == nullptr || size == 0 || !descriptor->is_stream_socket() ||
      is_drained(find_state(fd), Direction::kWrite) ||
      !thread_state.scheduler->begin_call_at_once()) {
    return false;
  }
  const KeptErrno kept;
  result = thread_state.event_loop->ring() == nullptr
               ? real::send(fd, buffer, size, flags | MSG_DONTWAIT)
               : send_with_ring(fd, buffer, size, flags);
  if (result == static_cast<ssize_t>(size)) [[likely]]
    return kept(result), true;
  if (result < 0 && is_no_socket(fd)) return false;
  result = send_rest(fd, *descriptor, buffer, size, flags, result, kept);
  return true;
}

[[gnu::noinline]] ssize_t write_at_length(int fd, const void* buffer, size_t size) {
  const auto plain = [&] { return real::write(fd, buffer, size); };
  const Descriptor* descriptor = parkable_descriptor(fd);
  if (descriptor == nullptr && size != 0 && is_file_that_may_wait(fd)) {
    return write_file(fd, buffer, size, -1);
  }
  if (descriptor == nullptr || size == 0) return pass_through(plain);
  CallSite call(fd, *descriptor, Direction::kWrite);
  const auto attempt = [&](std::size_t done) -> ssize_t {
    if (done != 0 && has_failed(call)) return -1;
    return try_write(*descriptor, fd, static_cast<const char*>(buffer) + done, size - done,
                     done != 0);
  };
  if (!descriptor->is_stream()) {
    return send_whole(
        call, plain, [&] { return attempt(0); }, to_the_peer);
  }
  return blocking_transfer(
      call, [&] { return size; }, plain, attempt);
}

[[gnu::noinline]] ssize_t write_in_coroutine(int fd, const void* buffer, size_t size) {
  ssize_t result;
  return send_at_once(fd, buffer, size, 0, result) ? result : write_at_length(fd, buffer, size);
}

[[gnu::noinline]] ssize_t writev_in_coroutine(int fd, const iovec* buffers, int count) {
  const auto plain = [&] { return real::writev(fd, buffers, count); };
  const Descriptor* descriptor = parkable_descriptor(fd);
  if (descriptor == nullptr && count > 0 && is_file_that_may_wait(fd)) {
    return write_file({fd, {buffers, static_cast<std::size_t>(count)}, -1, 0});
  }
  if (descriptor == nullptr || count < 0) return pass_through(plain);
  CallSite call(fd, *descriptor, Direction::kWrite);
  const auto attempt = [&](std::size_t done) -> ssize_t {
    if (done == 0) return try_writev(*descriptor, fd, buffers, count, false);
    if (done != 0 && has_failed(call)) return -1;
    BufferCursor cursor(buffers, static_cast<std::size_t>(count));
    cursor.seek(done);
    return try_writev(*descriptor, fd, cursor.data(), static_cast<int>(cursor.size()), true);
  };
  if (!descriptor->is_stream()) {
    return send_whole(
        call, plain, [&] { return attempt(0); }, to_the_peer);
  }
  return blocking_transfer(
      call, [&] { return total_bytes(buffers, static_cast<std::size_t>(count)); }, plain, attempt);
}

[[gnu::noinline]] ssize_t sendto_at_length(int fd, const void* buffer, size_t size, int flags,
                                           const sockaddr* address, socklen_t address_size) {
  const auto plain = [&] { return real::sendto(fd, buffer, size, flags, address, address_size); };
  const Descriptor* descriptor = patient_socket(fd, flags);
  if (descriptor == nullptr) return pass_through(plain);
  CallSite call(fd, *descriptor, Direction::kWrite);
  const auto attempt = [&](std::size_t done) -> ssize_t {
    if (done != 0 && has_failed(call)) return -1;
    return real::sendto(fd, static_cast<const char*>(buffer) + done, size - done,
                        flags_of_try(flags, done), address, address_size);
  };
  if (!descriptor->is_stream()) {
    return send_whole(
        call, plain, [&] { return attempt(0); }, [&] { return address != nullptr; });
  }
  return blocking_transfer(
      call, [&] { return size; }, plain, attempt);
}

[[gnu::noinline]] ssize_t send_in_coroutine(int fd, const void* buffer, size_t size, int flags) {
  // Other flags, MSG_DONTWAIT among them, are rare.
  ssize_t result;
  return (flags & ~MSG_NOSIGNAL) == 0 && send_at_once(fd, buffer, size, flags, result)
             ? result
             : sendto_at_length(fd, buffer, size, flags, nullptr, 0);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

ssize_t write(int fd, const void* buffer, size_t size) {
  if (thread_state.current == nullptr) [[likely]]
    return outside_coroutines(real::write, fd, buffer, size);
  return counted<"write">(&write_in_coroutine, fd, buffer, size);
}

ssize_t writev(int fd, const iovec* buffers, int count) {
  if (thread_state.current == nullptr) [[likely]]
    return outside_coroutines(real::writev, fd, buffers, count);
  return counted<"writev">(&writev_in_coroutine, fd, buffers, count);
}

ssize_t sendto(int fd, const void* buffer, size_t size, int flags, const sockaddr* address,
               socklen_t address_size) {
  if (thread_state.current == nullptr) [[likely]]
    return outside_coroutines(real::sendto, fd, buffer, size, flags, address, address_size);
  return counted<"sendto">(&sendto_at_length, fd, buffer, size, flags, address, address_size);
}

ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  if (thread_state.current == nullptr) [[likely]]
    return outside_coroutines(real::send, fd, buffer, size, flags);
  return counted<"send">(&send_in_coroutine, fd, buffer, size, flags);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return counted<"sendmsg">([&]() -> ssize_t {
    const auto plain = [&] { return real::sendmsg(fd, message, flags); };
    const Descriptor* descriptor = patient_socket(fd, flags);
    if (descriptor == nullptr) return pass_through(plain);
    CallSite call(fd, *descriptor, Direction::kWrite);
    if (descriptor->is_stream()) return send_stream_message(call, message, flags);
    return send_whole(
        call, plain, [&] { return real::sendmsg(fd, message, flags_of_try(flags, 0)); },
        [&] { return message->msg_name != nullptr; });
  });
}

}  // extern "C"
