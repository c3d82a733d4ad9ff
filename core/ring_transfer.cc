#include "colibri/core/ring_transfer.h"

#include <sys/socket.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/core/stack_of.h"

namespace colibri {
namespace {

ssize_t fail_with(int error) noexcept {
  errno = error;
  return -1;
}

/// Nothing but the completion ends it.
void await_completion(int descriptor, WaitKind kind) noexcept {
  while (
      thread_state.scheduler->park({.descriptor = descriptor, .kind = kind, .may_fail = false}) !=
      WakeReason::kCompleted) {
  }
}

}  // namespace

ssize_t receive_by_ring(DescriptorState& state, int descriptor, void* buffer, std::size_t size,
                        WaitLimits limits, WakeReason& early) noexcept {
  early = WakeReason::kFired;
  void* target = is_anothers_while_parked(buffer, size) ? nullptr : buffer;
  if (!thread_state.event_loop->ring()->submit_receive(state, descriptor, target, size)) {
    return fail_with(EAGAIN);
  }
  WakeReason reason = thread_state.scheduler->park({.deadline = limits.deadline,
                                                    .descriptor = descriptor,
                                                    .kind = WaitKind::kReadable,
                                                    .interruptible = limits.interruptible,
                                                    .never_restarts = limits.never_restarts});
  // What is received may have come after the wait had ended, and before this coroutine had its
  // turn.
  if (reason != WakeReason::kCompleted && state.receiver == thread_state.current) {
    thread_state.event_loop->ring()->cancel_receive(state);
    await_completion(descriptor, WaitKind::kReadable);
  }
  const std::int32_t result = thread_state.event_loop->ring()->take_received(buffer, size);
  if (result >= 0) [[likely]]
    return result;
  // Nobody but the one who closes the descriptor cancels the receive of another.
  if (result == -ECANCELED) early = reason == WakeReason::kCompleted ? WakeReason::kClosed : reason;
  return fail_with(-result);
}

namespace {

/// While it is idle and has nothing: the socket's own answer, or EAGAIN, and it receives again.
/// False: it does not.
bool receive_or_begin(ReceivedAhead& ahead, int descriptor, void* buffer, std::size_t size,
                      ssize_t& result) noexcept {
  result = -1;
  errno = EAGAIN;
  if (!ahead.expects_empty()) {
    result = real::recv(descriptor, buffer, size, MSG_DONTWAIT);
    ahead.note_direct_receive(result > 0 && static_cast<std::size_t>(result) < size);
    if (result >= 0 || (errno != EAGAIN && errno != EINTR)) return true;
    errno = EAGAIN;
  }
  return ahead.begin(descriptor);
}

}  // namespace

ssize_t receive_ahead(const std::unique_ptr<ReceivedAhead>& ahead, int descriptor, void* buffer,
                      std::size_t size, WaitLimits limits, WakeReason& early) noexcept {
  const ReceivedAhead* const own = ahead.get();
  for (early = WakeReason::kFired; ahead.get() == own;) {
    if (const std::size_t taken = ahead->take(buffer, size)) [[likely]]
      return static_cast<ssize_t>(taken);
    // Only now: bytes that come when the wait is over are its own still.
    if (early != WakeReason::kFired) return -1;
    if (const int error = ahead->take_error()) return fail_with(error);
    if (!ahead->is_receiving()) {
      ssize_t result;
      const bool goes_on = receive_or_begin(*ahead, descriptor, buffer, size, result);
      if (!goes_on || result >= 0 || errno != EAGAIN) return result;
    }
    ahead->waiters().push_back(*thread_state.current);
    early = thread_state.scheduler->park({.deadline = limits.deadline,
                                          .descriptor = descriptor,
                                          .kind = WaitKind::kReadable,
                                          .interruptible = limits.interruptible,
                                          .never_restarts = limits.never_restarts});
    withdraw(*thread_state.current);
    if (early == WakeReason::kCompleted) early = WakeReason::kFired;
  }
  early = WakeReason::kClosed;
  return -1;
}

ssize_t send_by_ring(DescriptorState& state, int descriptor, const void* buffer,
                     std::size_t size) noexcept {
  if (!thread_state.event_loop->ring()->submit_send(state, descriptor, buffer, size,
                                                    is_anothers_while_parked(buffer, size))) {
    return fail_with(EAGAIN);
  }
  await_completion(descriptor, WaitKind::kWritable);
  const std::int32_t result = RingEngine::sent_result();
  return result >= 0 ? result : fail_with(-result);
}

std::optional<ssize_t> read_file_by_ring(int descriptor, std::span<const iovec> buffers,
                                         off64_t offset, int flags) noexcept {
  if (!thread_state.event_loop->ring()->submit_file_read(descriptor, buffers, offset, flags)) {
    return std::nullopt;
  }
  await_completion(descriptor, WaitKind::kReadable);
  const std::int32_t result = RingEngine::sent_result();
  // Not every file system serves the ring.
  if (result == -EOPNOTSUPP || result == -EINVAL) return std::nullopt;
  return result >= 0 ? result : fail_with(-result);
}

}  // namespace colibri
