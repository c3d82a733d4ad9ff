// read, readv, recv, recvfrom, recvmsg.
#include "colibri/core/received_descriptors.h"
#include "colibri/core/ring_transfer.h"
#include "colibri/hook/attempt.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/buffers.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/file_call.h"
#include "colibri/hook/program_memory.h"
#include "colibri/hook/receive_whole.h"

namespace colibri {
namespace {

/// A read that moved less than it was offered room for may have emptied the socket; see
/// event_loop.h and the exceptions there. `room()` is asked only when it matters.
template <class Room>
void note_read(CallSite& call, ssize_t result, Room room) noexcept {
  if (result > 0 && call.descriptor.kind.load(std::memory_order_relaxed) == DescriptorKind::kTcp &&
      static_cast<std::size_t>(result) < room()) {
    note_short_read(call.state());
  }
}

/// Flags with which a read must not be taken as a sign that the socket is empty.
constexpr int kNoProofFlags = MSG_PEEK | MSG_OOB | MSG_TRUNC | MSG_ERRQUEUE;

/// recv, recvfrom and recvmsg that are done with the first bytes: `attempt(flags)` makes the call
/// once, `room()` is the bytes it can take.
template <class Attempt, class Room>
ssize_t blocking_receive(int number, const Descriptor* descriptor, int flags, Attempt attempt,
                         Room room) {
  const auto plain = [&] { return attempt(flags); };
  // Out-of-band data and the error queue are there or not; libc does not wait for them.
  if (descriptor == nullptr || !descriptor->is_socket() ||
      (flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) != 0) {
    return pass_through(plain);
  }
  CallSite call(number, *descriptor, Direction::kRead);
  return blocking_call(call, plain, [&] {
    const ssize_t result = attempt(flags | MSG_DONTWAIT);
    if ((flags & kNoProofFlags) == 0) note_read(call, result, room);
    return result;
  });
}

/// Takes bytes and perhaps their sender's address from a stream that makes the call wait for more
/// than the first ones.
ssize_t receive_bytes_whole(int number, const Descriptor& stream, void* buffer, std::size_t size,
                            int flags, sockaddr* address, socklen_t* address_size) {
  const iovec whole{buffer, size};
  msghdr message = message_of(&whole, 1);
  message.msg_name = address;
  message.msg_namelen = address != nullptr ? *address_size : 0;
  const ssize_t result =
      receive_whole(number, stream, message, flags, bytes_to_wait_for(stream, flags, size));
  if (result >= 0 && address != nullptr) *address_size = message.msg_namelen;
  return result;
}

ssize_t receive_message(int number, msghdr* message, int flags) {
  const Descriptor* descriptor = parkable_descriptor(number);
  if (descriptor != nullptr && is_patient(*descriptor, flags)) {
    msghdr header{};
    std::size_t room = 0;
    if (read_argument(header, static_cast<const msghdr*>(message)) &&
        sum_program_buffers(header.msg_iov, header.msg_iovlen, room) && room != 0) {
      return receive_whole(number, *descriptor, *message, flags,
                           bytes_to_wait_for(*descriptor, flags, room));
    }
  }
  return blocking_receive(
      number, descriptor, flags, [&](int once) { return real::recvmsg(number, message, once); },
      [&] { return total_bytes(message->msg_iov, message->msg_iovlen); });
}

/// A TCP connection of which any byte ends a receive, and nothing else but what ends every wait.
[[gnu::always_inline]] inline bool is_plain_tcp(const Descriptor& descriptor) noexcept {
  return descriptor.kind.load(std::memory_order_relaxed) == DescriptorKind::kTcp &&
         descriptor.receive_low_water.load(std::memory_order_relaxed) <= 1 &&
         descriptor.receive_timeout.load(std::memory_order_relaxed) == 0;
}

/// Goes on where a first try to receive from a TCP connection has failed with errno.
[[gnu::noinline]] ssize_t receive_after_failure(int fd, const Descriptor& descriptor, void* buffer,
                                                size_t size, KeptErrno kept) {
  CallSite call(fd, descriptor, Direction::kRead);
  if (errno == EBADF) descriptor_table::forget_if_closed(fd);
  if (errno != EAGAIN) return -1;
  note_drained(call.state(), Direction::kRead);
  const auto plain = [&] { return real::recv(fd, buffer, size, 0); };
  return kept(try_and_wait(call, plain, [&] {
    const ssize_t result = real::recv(fd, buffer, size, MSG_DONTWAIT);
    note_read(call, result, [&] { return size; });
    return result;
  }));
}

/// The usual case where the ring receives: see core/ring_transfer.h. False: as receive_at_once.
[[gnu::noinline]] bool receive_with_ring(int fd, void* buffer, size_t size, ssize_t& result) {
  DescriptorState* state = thread_state.event_loop->find_or_create(fd);
  if (state == nullptr || !may_receive_by_ring(*state) ||
      !thread_state.scheduler->begin_call_at_once()) {
    return false;
  }
  const KeptErrno kept;
  for (;;) {
    if (!state->expects_empty) {
      result = real::recv(fd, buffer, size, MSG_DONTWAIT);
      if (result < 0 && is_no_socket(fd)) return false;
      state->expects_empty = result > 0 && static_cast<std::size_t>(result) < size;
      if (result < 0 && errno == EBADF) descriptor_table::forget_if_closed(fd);
      if (result >= 0 || errno != EAGAIN) break;
    }
    WakeReason early;
    result = receive_by_ring(*state, fd, buffer, size, {.interruptible = true}, early);
    if (early != WakeReason::kFired) result = fail_with_errno(error_of(early));
    if (result < 0 && is_no_socket(fd)) return false;
    if (result >= 0 || errno != EAGAIN) break;
    state->expects_empty = false;
  }
  result = kept(result);
  return true;
}

/// The usual case in few instructions and little stack: a TCP connection that has its next bytes,
/// or waits for them. False: nothing has happened, or a first try found that this is no socket;
/// the call is to be made at length.
[[gnu::always_inline]] inline bool receive_at_once(int fd, void* buffer, size_t size,
                                                   ssize_t& result) {
  const Descriptor* descriptor = parkable_descriptor(fd);
  if (descriptor == nullptr || size == 0 || !is_plain_tcp(*descriptor)) return false;
  if (thread_state.event_loop->ring() != nullptr) {
    return receive_with_ring(fd, buffer, size, result);
  }
  DescriptorState* state = find_state(fd);
  if (state == nullptr || !thread_state.scheduler->begin_call_at_once()) return false;
  const KeptErrno kept;
  if (is_drained(state, Direction::kRead)) {
    const WakeReason reason =
        wait_registered(*state, fd, Direction::kRead, {.interruptible = true});
    if (reason != WakeReason::kFired) [[unlikely]] {
      result = fail_with_errno(error_of(reason));
      return true;
    }
  }
  result = real::recv(fd, buffer, size, MSG_DONTWAIT);
  if (result < 0) [[unlikely]] {
    if (is_no_socket(fd)) return false;
    result = receive_after_failure(fd, *descriptor, buffer, size, kept);
    return true;
  }
  if (result != 0 && static_cast<std::size_t>(result) < size &&
      descriptor->kind.load(std::memory_order_relaxed) == DescriptorKind::kTcp) {
    note_short_read(find_state(fd));
  }
  result = kept(result);
  return true;
}

[[gnu::noinline]] ssize_t read_at_length(int fd, void* buffer, size_t size) {
  const auto plain = [&] { return real::read(fd, buffer, size); };
  const Descriptor* descriptor = parkable_descriptor(fd);
  if (descriptor == nullptr && size != 0 && is_file_that_may_wait(fd)) {
    return read_file(fd, buffer, size, -1);
  }
  // An empty room returns at once, as in libc, whatever the descriptor's state.
  if (descriptor == nullptr || size == 0) return pass_through(plain);
  if (is_patient(*descriptor, 0)) {
    return receive_bytes_whole(fd, *descriptor, buffer, size, 0, nullptr, nullptr);
  }
  CallSite call(fd, *descriptor, Direction::kRead);
  return blocking_call(call, plain, [&] {
    const ssize_t result = try_read(*descriptor, fd, buffer, size);
    note_read(call, result, [&] { return size; });
    return result;
  });
}

[[gnu::noinline]] ssize_t read_in_coroutine(int fd, void* buffer, size_t size) {
  ssize_t result;
  return receive_at_once(fd, buffer, size, result) ? result : read_at_length(fd, buffer, size);
}

[[gnu::noinline]] ssize_t readv_in_coroutine(int fd, const iovec* buffers, int count) {
  const auto plain = [&] { return real::readv(fd, buffers, count); };
  const Descriptor* descriptor = parkable_descriptor(fd);
  if (descriptor == nullptr && count > 0 && is_file_that_may_wait(fd)) {
    return read_file({fd, {buffers, static_cast<std::size_t>(count)}, -1, 0});
  }
  if (descriptor == nullptr || count < 0) return pass_through(plain);
  const auto pieces = static_cast<std::size_t>(count);
  if (is_patient(*descriptor, 0)) {
    std::size_t room = 0;
    if (!sum_program_buffers(buffers, pieces, room) || room == 0) return pass_through(plain);
    msghdr message = message_of(buffers, pieces);
    return receive_whole(fd, *descriptor, message, 0, bytes_to_wait_for(*descriptor, 0, room));
  }
  CallSite call(fd, *descriptor, Direction::kRead);
  return blocking_call(call, plain, [&] {
    const ssize_t result = try_readv(*descriptor, fd, buffers, count);
    note_read(call, result, [&] { return total_bytes(buffers, pieces); });
    return result;
  });
}

[[gnu::noinline]] ssize_t recvfrom_at_length(int fd, void* buffer, size_t size, int flags,
                                             sockaddr* address, socklen_t* address_size) {
  const Descriptor* descriptor = parkable_descriptor(fd);
  if (descriptor != nullptr && size != 0 && is_patient(*descriptor, flags)) {
    socklen_t ignored = 0;
    if (address == nullptr || read_argument(ignored, address_size)) {
      return receive_bytes_whole(fd, *descriptor, buffer, size, flags, address, address_size);
    }
  }
  return blocking_receive(
      fd, descriptor, flags,
      [&](int once) { return real::recvfrom(fd, buffer, size, once, address, address_size); },
      [&] { return size; });
}

[[gnu::noinline]] ssize_t recv_in_coroutine(int fd, void* buffer, size_t size, int flags) {
  ssize_t result;
  return flags == 0 && receive_at_once(fd, buffer, size, result)
             ? result
             : recvfrom_at_length(fd, buffer, size, flags, nullptr, nullptr);
}

}  // namespace

void note_received_descriptors(msghdr& message) noexcept {
  for_each_received_descriptor(message, [](int number) { descriptor_table::closing(number); });
}

}  // namespace colibri

using namespace colibri;

extern "C" {

ssize_t read(int fd, void* buffer, size_t size) {
  if (thread_state.current == nullptr) [[likely]]
    return outside_coroutines(real::read, fd, buffer, size);
  return counted<"read">(&read_in_coroutine, fd, buffer, size);
}

ssize_t readv(int fd, const iovec* buffers, int count) {
  if (thread_state.current == nullptr) [[likely]]
    return outside_coroutines(real::readv, fd, buffers, count);
  return counted<"readv">(&readv_in_coroutine, fd, buffers, count);
}

ssize_t recvfrom(int fd, void* buffer, size_t size, int flags, sockaddr* address,
                 socklen_t* address_size) {
  if (thread_state.current == nullptr) [[likely]]
    return outside_coroutines(real::recvfrom, fd, buffer, size, flags, address, address_size);
  return counted<"recvfrom">(&recvfrom_at_length, fd, buffer, size, flags, address, address_size);
}

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  if (thread_state.current == nullptr) [[likely]]
    return outside_coroutines(real::recv, fd, buffer, size, flags);
  return counted<"recv">(&recv_in_coroutine, fd, buffer, size, flags);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  const ssize_t result = counted<"recvmsg">(&receive_message, fd, message, flags);
  if (result >= 0 && message->msg_controllen != 0) note_received_descriptors(*message);
  return result;
}

}  // extern "C"
