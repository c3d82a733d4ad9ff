#include "colibri/core/descriptor_wait.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>

namespace colibri {
namespace {

using std::chrono::milliseconds;

/// The kernel or the heap is full: try again in a moment, when somebody may have given way.
WakeReason wait_a_moment(WaitKind kind, int descriptor, const WaitLimits& limits) noexcept {
  const Deadline moment = Deadline::after(milliseconds(5));
  const WakeReason reason =
      thread_state.scheduler->park({.deadline = std::min(moment, limits.deadline),
                                    .descriptor = descriptor,
                                    .kind = kind,
                                    .interruptible = limits.interruptible,
                                    .never_restarts = limits.never_restarts});
  return reason == WakeReason::kTimeout && moment < limits.deadline ? WakeReason::kFired : reason;
}

bool wants_read(const pollfd& interest) noexcept {
  return (interest.events & (POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP)) != 0;
}

bool wants_write(const pollfd& interest) noexcept {
  return (interest.events & (POLLOUT | POLLWRNORM | POLLWRBAND)) != 0;
}

/// Adds `slot` to the waiters of a descriptor; false if the kernel has no room.
bool join_waiters(WaitSlot& slot, int descriptor, Direction direction) noexcept {
  DescriptorState* state = thread_state.event_loop->attach(descriptor);
  if (state == nullptr) return errno == EPERM || errno == EBADF;
  slot.coroutine = thread_state.current;
  state->waiters(direction).push_back(slot);
  return true;
}

/// A slot a descriptor and direction. Errors and hang-ups reach both directions, so one that asks
/// for nothing waits as a reader.
bool join_all(std::span<const pollfd> interests, WaitSlot* slots) noexcept {
  for (const pollfd& interest : interests) {
    WaitSlot& reading = *slots++;
    WaitSlot& writing = *slots++;
    if (interest.fd < 0) continue;
    if (wants_write(interest) && !join_waiters(writing, interest.fd, Direction::kWrite)) {
      return false;
    }
    if ((wants_read(interest) || !wants_write(interest)) &&
        !join_waiters(reading, interest.fd, Direction::kRead)) {
      return false;
    }
  }
  return true;
}

}  // namespace

WakeReason wait_ready(int descriptor, Direction direction, const WaitLimits& limits) noexcept {
  const WaitKind kind = direction == Direction::kRead ? WaitKind::kReadable : WaitKind::kWritable;
  DescriptorState* state = thread_state.event_loop->attach(descriptor);
  if (state == nullptr) [[unlikely]] {
    if (errno == EPERM) return WakeReason::kUnsupported;
    if (errno == EBADF) return WakeReason::kClosed;
    return wait_a_moment(kind, descriptor, limits);
  }
  WaitNode& node = *thread_state.current;
  state->waiters(direction).push_back(node);
  const WakeReason reason = thread_state.scheduler->park({.deadline = limits.deadline,
                                                          .descriptor = descriptor,
                                                          .kind = kind,
                                                          .interruptible = limits.interruptible,
                                                          .never_restarts = limits.never_restarts});
  withdraw(node);
  return reason;
}

WakeReason wait_any(std::span<const pollfd> descriptors, const WaitLimits& limits) noexcept {
  // In the heap, since the lists outlive a switch; the single descriptor of most calls goes by the
  // node in the control block.
  const bool single =
      descriptors.size() == 1 && !(wants_read(descriptors[0]) && wants_write(descriptors[0]));
  std::unique_ptr<WaitSlot[]> slots;
  if (single) {
    const Direction direction = wants_write(descriptors[0]) ? Direction::kWrite : Direction::kRead;
    if (descriptors[0].fd >= 0) {
      const WakeReason reason = wait_ready(descriptors[0].fd, direction, limits);
      if (reason != WakeReason::kUnsupported) return reason;
      // Always ready, but not for what the call asks for: it waits for its time-out only.
    }
  } else if (!descriptors.empty()) {
    slots.reset(new (std::nothrow) WaitSlot[2 * descriptors.size()]);
  }
  const bool heap_is_full = !single && !descriptors.empty() && slots == nullptr;
  WakeReason reason;
  if (heap_is_full || (slots != nullptr && !join_all(descriptors, slots.get()))) {
    reason = wait_a_moment(WaitKind::kPoll, -1, limits);
  } else {
    reason = thread_state.scheduler->park({.deadline = limits.deadline,
                                           .kind = WaitKind::kPoll,
                                           .interruptible = limits.interruptible,
                                           .never_restarts = limits.never_restarts});
  }
  for (std::size_t i = 0; slots != nullptr && i < 2 * descriptors.size(); ++i) withdraw(slots[i]);
  return reason;
}

}  // namespace colibri
