#include "colibri/core/descriptor_wait.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>

namespace colibri {
namespace {

using std::chrono::milliseconds;

/// The kernel or the heap is full: try again in a moment, when somebody may have given way.
WakeReason wait_a_moment(WaitKind kind, int descriptor, WaitLimits limits) noexcept {
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

/// Waits for no event, only for what else may end a wait.
/// `count`: of descriptors by whose events it is ended all the same.
WakeReason wait_for_no_event(WaitLimits limits, int count = 0) noexcept {
  return thread_state.scheduler->park({.deadline = limits.deadline,
                                       .descriptor = count,
                                       .kind = WaitKind::kPoll,
                                       .interruptible = limits.interruptible,
                                       .never_restarts = limits.never_restarts});
}

// From here on, the rarer ways are functions of their own, called last: what they need would
// otherwise be kept over a park, and be copied with a shared stack.

/// The descriptor could not be registered; errno says why.
[[gnu::noinline]] WakeReason wait_unregistered(int descriptor, Direction direction,
                                               WaitLimits limits) noexcept {
  if (errno == EPERM) return WakeReason::kUnsupported;
  if (errno == EBADF) return WakeReason::kClosed;
  const WaitKind kind = direction == Direction::kRead ? WaitKind::kReadable : WaitKind::kWritable;
  return wait_a_moment(kind, descriptor, limits);
}

[[gnu::noinline]] WakeReason wait_for_one(int descriptor, Direction direction,
                                          WaitLimits limits) noexcept {
  if (descriptor < 0) return wait_for_no_event(limits);
  DescriptorState* state = thread_state.event_loop->attach(descriptor);
  if (state != nullptr) [[likely]]
    return wait_registered(*state, descriptor, direction, limits);
  // EPERM: always ready, but not for what the call asks for.
  return errno == EPERM ? wait_for_no_event(limits)
                        : wait_unregistered(descriptor, direction, limits);
}

[[gnu::noinline]] WakeReason wait_for_several(std::span<const pollfd> descriptors,
                                              WaitLimits limits) noexcept {
  // In the heap, since the lists outlive a switch.
  const std::size_t count = 2 * descriptors.size();
  const std::unique_ptr<WaitSlot[]> slots(new (std::nothrow) WaitSlot[count]);
  const bool joined = slots != nullptr && join_all(descriptors, slots.get());
  const WakeReason reason = joined ? wait_for_no_event(limits, static_cast<int>(descriptors.size()))
                                   : wait_a_moment(WaitKind::kPoll, -1, limits);
  for (std::size_t i = 0; slots != nullptr && i < count; ++i) withdraw(slots[i]);
  return reason;
}

}  // namespace

WakeReason wait_ready(int descriptor, Direction direction, WaitLimits limits) noexcept {
  DescriptorState* state = thread_state.event_loop->attach(descriptor);
  return state != nullptr ? wait_registered(*state, descriptor, direction, limits)
                          : wait_unregistered(descriptor, direction, limits);
}

WakeReason wait_any(std::span<const pollfd> descriptors, WaitLimits limits) noexcept {
  if (descriptors.empty()) return wait_for_no_event(limits);
  const pollfd& first = descriptors[0];
  const bool both = wants_read(first) && wants_write(first);
  // The single descriptor of most calls goes by the node in the control block.
  if (descriptors.size() > 1 || both) return wait_for_several(descriptors, limits);
  const Direction direction = wants_write(first) ? Direction::kWrite : Direction::kRead;
  return wait_for_one(first.fd, direction, limits);
}

}  // namespace colibri
