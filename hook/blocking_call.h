// The templates that the hooks are written on.
//
// A hook passes through (calls libc as it is) unless all of this holds: the caller is a coroutine
// on a thread with a scheduler; no bypass is in force (a signal handler counts as one); the
// descriptor is open; the program has not asked for non-blocking calls; and the kind of descriptor
// can make a caller wait. What remains is tried without blocking, and parks where it must wait.
#pragma once

#include <algorithm>
#include <cerrno>
#include <utility>

#include "colibri/core/descriptor_wait.h"
#include "colibri/core/libc.h"
#include "colibri/hook/descriptor_table.h"
#include "colibri/hook/growing_pause.h"
#include "colibri/hook/handler_scope.h"

namespace colibri {

/// The coroutine that a hooked call may park; null where hooks pass through.
inline ControlBlock* parkable_coroutine() noexcept {
  ControlBlock* coroutine = thread_state.current;
  if (coroutine == nullptr) return nullptr;
  if (coroutine->bypass_depth != 0) [[unlikely]] {
    const bool in_handler = (coroutine->bypass_depth & ControlBlock::kInHandler) != 0;
    if (!in_handler || !has_left_handler(*coroutine) || coroutine->bypass_depth != 0) {
      return nullptr;
    }
  }
  return thread_state.scheduler != nullptr ? coroutine : nullptr;
}

/// The descriptor of a call that is to park where it must wait; null: pass through.
inline Descriptor* parkable_descriptor(int number) noexcept {
  if (parkable_coroutine() == nullptr) return nullptr;
  Descriptor* descriptor = descriptor_table::look_up(number);
  if (descriptor == nullptr || descriptor->user_nonblocking.load(std::memory_order_relaxed)) {
    return nullptr;
  }
  return descriptor->kind.load(std::memory_order_relaxed) == DescriptorKind::kFile ? nullptr
                                                                                   : descriptor;
}

/// The socket of a call with these flags that may have to wait; null: pass through.
inline const Descriptor* patient_socket(int number, int flags) noexcept {
  if ((flags & MSG_DONTWAIT) != 0) return nullptr;
  const Descriptor* descriptor = parkable_descriptor(number);
  return descriptor != nullptr && descriptor->is_socket() ? descriptor : nullptr;
}

/// True if the descriptor is ready for `events` (POLLIN, POLLOUT), or has an error to tell.
inline bool is_ready(int number, short events) noexcept {
  pollfd query{number, events, 0};
  return real::poll(&query, 1, 0) != 0;
}

/// errno for a wait that ended early. `timeout` is what the call says when the time-out that the
/// program itself set (SO_RCVTIMEO and its like) is over.
inline int error_of(WakeReason reason, int timeout = EAGAIN) noexcept {
  switch (reason) {
    case WakeReason::kTimeout:
      return timeout;
    case WakeReason::kLimit:
      return ETIMEDOUT;
    case WakeReason::kCanceled:
      return ECANCELED;
    case WakeReason::kClosed:
      return EBADF;
    case WakeReason::kInterrupted:
      return EINTR;
    case WakeReason::kOutOfMemory:
      return ENOMEM;
    case WakeReason::kFired:
    case WakeReason::kUnsupported:
    case WakeReason::kCompleted:
      break;
  }
  return 0;
}

/// Sets errno and returns -1.
inline int fail_with_errno(int error) noexcept {
  errno = error;
  return -1;
}

/// A call that succeeds leaves errno as it found it, whatever the tries on its way have said. In
/// coroutines.
class KeptErrno {
 public:
  ssize_t operator()(ssize_t result) const noexcept {
    if (result >= 0) *thread_state.errno_address = errno_;
    return result;
  }

 private:
  const int errno_ = *thread_state.errno_address;
};

/// Which descriptor a call waits for, in which direction, and how long.
class CallSite {
 public:
  CallSite(int descriptor_number, const Descriptor& about, Direction waits_for) noexcept
      : number(descriptor_number), descriptor(about), direction(waits_for) {}

  /// The program's time-out for the whole call. The clock is read at the first wait only.
  const WaitLimits& limits() noexcept {
    if (limits_known_) return limits_;
    limits_known_ = true;
    limits_.interruptible = true;
    const auto& timeout =
        direction == Direction::kRead ? descriptor.receive_timeout : descriptor.send_timeout;
    const std::int64_t nanoseconds = timeout.load(std::memory_order_relaxed);
    // A call with a time-out is never restarted after a signal: it would wait too long.
    limits_.never_restarts = nanoseconds != 0;
    if (nanoseconds != 0) limits_.deadline = Deadline::after(std::chrono::nanoseconds(nanoseconds));
    return limits_;
  }

  /// What the event loop knows of the descriptor; null if nobody has waited for it yet.
  DescriptorState* state() noexcept {
    if (state_ == nullptr) state_ = find_state(number);
    return state_;
  }

  CallSite(const CallSite&) = delete;
  CallSite& operator=(const CallSite&) = delete;

  const int number;
  const Descriptor& descriptor;
  const Direction direction;

 private:
  DescriptorState* state_ = nullptr;
  WaitLimits limits_;
  bool limits_known_ = false;
};

/// To be asked at the beginning of every call that may fail: false, with errno, in a coroutine that
/// was cancelled or whose TimeLimit is over.
inline bool may_begin() noexcept {
  const WakeReason reason = thread_state.scheduler->begin_call();
  if (reason == WakeReason::kFired) [[likely]]
    return true;
  errno = error_of(reason);
  return false;
}

/// A hook's whole work outside coroutines: to be returned at once, so that libc's function is
/// jumped to. One more return after a system call was measured at 10 ns, more than all else here:
/// presumably the kernel empties the processor's memory of where returns lead. (Where somebody
/// wants to know of bad pointers there is one.)
template <class Real, class... Arguments>
[[gnu::always_inline]] inline auto outside_coroutines(const Real& real, Arguments... arguments) {
  if (bad_pointer_examiner.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
    return real(arguments...);
  return real.get()(arguments...);
}

/// The result of a call that asked no may_begin. If it has failed in a cancelled coroutine, others
/// run before it returns: a loop that ignores errors must not starve them. errno is kept.
template <class Result>
Result give_way_if_failed(Result result) {
  if (result < 0 && parkable_coroutine() != nullptr) [[unlikely]] {
    thread_state.scheduler->yield_if_canceled();
  }
  return result;
}

/// The call as the program wrote it.
template <class Plain>
auto pass_through(Plain plain) {
  return give_way_if_failed(plain());
}

/// True for a message socket that was shut down for reading: a call that does not wait says EAGAIN
/// there for ever, and one that waits returns at once.
inline bool is_shut_down(CallSite& call) noexcept {
  if (call.direction != Direction::kRead || call.descriptor.is_stream()) return false;
  const DescriptorState* state = call.state();
  if (state == nullptr || !state->hung_up) return false;
  pollfd query{call.number, POLLRDHUP, 0};
  return real::poll(&query, 1, 0) == 1 && (query.revents & POLLRDHUP) != 0;
}

/// Tries until the call succeeds or fails, or its wait ends early. `attempt()` returns -1 with
/// EAGAIN where it would have to wait; `plain()` is the call as the program wrote it.
template <class Plain, class Attempt>
ssize_t try_and_wait(CallSite& call, Plain plain, Attempt attempt) {
  for (;;) {
    if (!is_drained(call.state(), call.direction)) {
      const ssize_t result = attempt();
      if (result >= 0) return result;
      if (errno == EBADF) descriptor_table::forget_if_closed(call.number);
      if (errno != EAGAIN) return result;
      if (is_shut_down(call)) [[unlikely]]
        return plain();
      note_drained(call.state(), call.direction);
    }
    const WakeReason reason = wait_ready(call.number, call.direction, call.limits());
    if (reason == WakeReason::kUnsupported) return plain();
    if (reason != WakeReason::kFired) return fail_with_errno(error_of(reason));
  }
}

/// The same for sending where perhaps no event tells the end of the wait: tries again in pauses
/// that grow from 1 ms to 50 ms.
template <class Attempt>
ssize_t try_in_pauses(CallSite& call, Attempt attempt) {
  GrowingPause pause(std::chrono::milliseconds(1), std::chrono::milliseconds(50));
  for (;;) {
    const ssize_t result = attempt();
    if (result >= 0 || errno != EAGAIN || call.limits().deadline.has_passed()) return result;
    WaitLimits limits = call.limits();
    limits.deadline = std::min(limits.deadline, pause.begin());
    // The kernel calls the socket writable, and each try raises that event anew: so as a reader,
    // whom only a close wakes. But if its own buffer is full, the event means something.
    pollfd query{call.number, POLLOUT, 0};
    const bool no_event_tells = real::poll(&query, 1, 0) != 0;
    const WakeReason reason =
        wait_ready(call.number, no_event_tells ? Direction::kRead : Direction::kWrite, limits);
    if (reason != WakeReason::kFired && reason != WakeReason::kTimeout) {
      return fail_with_errno(error_of(reason));
    }
  }
}

/// A call that is done with its first success: reads, messages, accept.
template <class Plain, class Attempt>
ssize_t blocking_call(CallSite& call, Plain plain, Attempt attempt) {
  const KeptErrno kept;
  return may_begin() ? kept(try_and_wait(call, plain, attempt)) : -1;
}

/// blocking_transfer from its beginning on, with `done` bytes moved already.
template <class Wanted, class Plain, class Attempt>
ssize_t transfer_from(std::size_t done, const KeptErrno& kept, CallSite& call, Wanted wanted,
                      Plain plain, Attempt attempt) {
  for (;;) {
    const ssize_t moved = try_and_wait(call, plain, [&] { return attempt(done); });
    if (moved < 0) return kept(done != 0 ? static_cast<ssize_t>(done) : -1);
    done += static_cast<std::size_t>(moved);
    if (moved == 0 || done >= wanted()) return kept(static_cast<ssize_t>(done));
  }
}

/// A call that goes on until `wanted()` bytes have been moved, as blocking stream writes and
/// MSG_WAITALL reads do: `attempt(done)` moves some more. Where it cannot go on, the count so far
/// is the result; the error is, only if that is nothing. `wanted` is asked after the first success,
/// when the kernel has found the program's pointers good.
template <class Wanted, class Plain, class Attempt>
ssize_t blocking_transfer(CallSite& call, Wanted wanted, Plain plain, Attempt attempt) {
  const KeptErrno kept;
  return may_begin() ? transfer_from(0, kept, call, wanted, plain, attempt) : -1;
}

}  // namespace colibri
