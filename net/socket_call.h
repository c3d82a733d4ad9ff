// The template that every call of net is written on: try, and wait where the kernel says EAGAIN.
//
// Where the last try has emptied the socket and no event has come since, the first try is left out:
// see core/event_loop.h. In a coroutine a wait parks; in a plain thread it blocks the thread.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <span>

#include "colibri/core/descriptor_wait.h"

namespace colibri::net_detail {

/// When a call that may wait several times gives up. The clock is read at the first wait only, and
/// not at all without a time-out.
class CallDeadline {
 public:
  constexpr CallDeadline(Deadline deadline = {}) noexcept : deadline_(deadline) {}
  /// Zero: never.
  constexpr explicit CallDeadline(std::chrono::milliseconds timeout) noexcept : timeout_(timeout) {}

  Deadline get() noexcept {
    if (timeout_.count() != 0) [[unlikely]] {
      deadline_ = Deadline::after(timeout_);
      timeout_ = {};
    }
    return deadline_;
  }

 private:
  Deadline deadline_;
  std::chrono::milliseconds timeout_{};
};

/// The wait of a plain thread for one of several. False, with errno, if it ended early.
bool wait_in_thread(std::span<pollfd> descriptors, Deadline deadline) noexcept;
inline bool wait_in_thread(int descriptor, Direction direction, Deadline deadline) noexcept {
  pollfd query{descriptor, direction == Direction::kRead ? short{POLLIN} : short{POLLOUT}, 0};
  return wait_in_thread(std::span(&query, 1), deadline);
}

/// False, with errno, for a wait that ended early: ETIMEDOUT, EBADF, ENOMEM. Throws Canceled.
bool may_go_on(WakeReason reason);

/// Waits until `descriptor` may be ready. Results as may_go_on.
inline bool wait_for(int descriptor, Direction direction, Deadline deadline) {
  if (!can_park()) [[unlikely]]
    return wait_in_thread(descriptor, direction, deadline);
  const WakeReason reason = wait_ready(descriptor, direction, {.deadline = deadline});
  return reason == WakeReason::kFired || may_go_on(reason);
}

/// What the event loop knows of `descriptor`; null in plain threads, too.
inline DescriptorState* state_of(int descriptor) noexcept {
  return can_park() ? find_state(descriptor) : nullptr;
}

/// True in a coroutine whose scheduler receives and sends by the ring engine.
inline bool has_ring() noexcept {
  return can_park() && thread_state.event_loop->ring() != nullptr;
}

/// To be asked at the beginning of each call. Results as may_go_on.
inline bool may_begin_call() {
  if (!can_park()) [[unlikely]]
    return true;
  const WakeReason reason = thread_state.scheduler->begin_call();
  return reason == WakeReason::kFired || may_go_on(reason);
}

/// A call that does not wait: its result, or nothing, with errno; EAGAIN where it would have to
/// wait.
template <class Attempt>
std::optional<std::size_t> socket_try(int descriptor, Direction direction, Attempt attempt) {
  DescriptorState* state = state_of(descriptor);
  errno = EAGAIN;
  if (is_drained(state, direction)) return std::nullopt;
  for (;;) {
    const ssize_t result = attempt();
    if (result >= 0) return static_cast<std::size_t>(result);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) note_drained(state, direction);
    return std::nullopt;
  }
}

/// The part of socket_call that follows may_begin_call, for calls of several steps.
template <class Number, class Attempt>
[[gnu::always_inline]] inline ssize_t try_until_done(Number number, Direction direction,
                                                     CallDeadline& deadline, Attempt attempt) {
  for (;;) {
    if (DescriptorState* state = state_of(number()); !is_drained(state, direction)) {
      const ssize_t result = attempt();
      if (result >= 0) [[likely]]
        return result;
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return -1;
      note_drained(state, direction);
    }
    if (!wait_for(number(), direction, deadline.get())) return -1;
  }
}

/// Makes a call that is done with its first success. `number()` says which descriptor, each time
/// anew, since it may be closed while the call waits and its number be another's by then.
/// `attempt()` is the system call; it must not block. -1, with errno, if it fails or the wait ends
/// early; throws Canceled.
template <class Number, class Attempt>
[[gnu::always_inline]] inline ssize_t socket_call(Number number, Direction direction,
                                                  CallDeadline deadline, Attempt attempt) {
  if (!may_begin_call()) [[unlikely]]
    return -1;
  return try_until_done(number, direction, deadline, attempt);
}

}  // namespace colibri::net_detail
