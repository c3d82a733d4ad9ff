// Waiting for descriptors: the bridge between blocking calls and the event loop.
//
// A blocking call tries first unless `is_drained`, tells `note_drained` when it got EAGAIN (or read
// all that a TCP socket had), and then waits. Everything here is for coroutines, on their own
// thread.
#pragma once

#include <poll.h>

#include <span>

#include "colibri/core/scheduler.h"
#include "colibri/core/unpark.h"

namespace colibri {

/// What the loop of this thread knows of `descriptor`; null if nobody has waited for it yet.
inline DescriptorState* find_state(int descriptor) noexcept {
  return thread_state.event_loop->find(descriptor);
}

/// True if a try would only say EAGAIN: the last one emptied the descriptor and no event has come
/// since.
inline bool is_drained(DescriptorState* state, Direction direction) noexcept {
  return state != nullptr && state->drained(direction) &&
         state->registered.load(std::memory_order_relaxed);
}

/// A try said EAGAIN. No effect if the descriptor was never waited for: its first wait learns the
/// truth from the kernel.
inline void note_drained(DescriptorState* state, Direction direction) noexcept {
  if (state != nullptr && state->registered.load(std::memory_order_relaxed)) {
    state->drained(direction) = true;
  }
}

/// A read returned less than was asked for, from a TCP socket: it took all there was, unless the
/// connection has ended or failed, or urgent data is in the way.
inline void note_short_read(DescriptorState* state) noexcept {
  if (state != nullptr && !state->hung_up && state->registered.load(std::memory_order_relaxed)) {
    state->read_drained = true;
  }
}

/// How a wait is to end early. Two words, so that it goes by registers; see WaitRequest.
struct WaitLimits {
  Deadline deadline = Deadline::never();
  bool interruptible = false;
  bool never_restarts = false;  // as WaitRequest's
};

/// Parks until `descriptor` may be ready, after a try that said EAGAIN. kFired is a hint: try
/// again. kUnsupported: epoll refuses the descriptor since it is always ready. kClosed: it was
/// closed, or is no open descriptor. When the kernel has no room for another registration, the wait
/// is a short sleep that ends in kFired.
WakeReason wait_ready(int descriptor, Direction direction, WaitLimits limits) noexcept;

/// The same for a descriptor that is registered: `state` is what the loop knows of it. Inlined, so
/// that the calls that servers wait in leave no frame of this between them and the switch. Nothing
/// is kept over the park that can be had again: every word would be copied with a shared stack.
[[gnu::always_inline]] inline WakeReason wait_registered(DescriptorState& state, int descriptor,
                                                         Direction direction,
                                                         WaitLimits limits) noexcept {
  state.waiters(direction).push_back(*thread_state.current);
  const WaitKind kind = direction == Direction::kRead ? WaitKind::kReadable : WaitKind::kWritable;
  thread_state.scheduler->park({.deadline = limits.deadline,
                                .descriptor = descriptor,
                                .kind = kind,
                                .interruptible = limits.interruptible,
                                .never_restarts = limits.never_restarts});
  ControlBlock& self = *thread_state.current;
  withdraw(self);
  return self.wake_reason;
}

/// Has those of this thread who wait for `descriptor` in this direction look again, as an event
/// would: for what they look at besides the descriptor.
inline void nudge_waiters(int descriptor, Direction direction) noexcept {
  if (DescriptorState* state = find_state(descriptor)) {
    // An event may be there that was not seen yet.
    state->drained(direction) = false;
    unpark_all(state->waiters(direction), WakeReason::kFired);
  }
}

/// Parks until something may have changed at one of `descriptors` in a direction that its `events`
/// ask for. Negative and closed ones are passed over. Reads the array before it parks, and not
/// after. Results as wait_ready; std::bad_alloc's case is a short sleep, too.
WakeReason wait_any(std::span<const pollfd> descriptors, WaitLimits limits) noexcept;

}  // namespace colibri
