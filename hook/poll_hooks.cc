// poll.
#include <poll.h>

#include "colibri/hook/blocking_call.h"

namespace colibri {
namespace {

/// A descriptor of the array was closed while poll waited on it: marks those that are no longer
/// registered. Returns how many entries have events.
int mark_closed(pollfd* descriptors, nfds_t count) noexcept {
  int marked = 0;
  for (nfds_t i = 0; i < count; ++i) {
    pollfd& each = descriptors[i];
    if (each.fd < 0) continue;
    const DescriptorState* state = thread_state.event_loop->find(each.fd);
    if (state == nullptr || !state->registered) each.revents = POLLNVAL;
    marked += each.revents != 0;
  }
  return marked;
}

/// Asks the kernel whenever an edge says that something changed; so results are exactly its own.
int poll_and_wait(pollfd* descriptors, nfds_t count, int timeout) {
  int ready = real::poll(descriptors, count, 0);
  if (ready != 0 || timeout == 0) return ready;
  WaitLimits limits;
  limits.interruptible = limits.never_restarts = true;
  if (timeout > 0) limits.deadline = Deadline::after(std::chrono::milliseconds(timeout));
  while (ready == 0) {
    const WakeReason reason = wait_any({descriptors, count}, limits);
    if (reason != WakeReason::kFired && reason != WakeReason::kTimeout &&
        reason != WakeReason::kClosed) {
      return fail_with_errno(error_of(reason));
    }
    ready = real::poll(descriptors, count, 0);
    if (reason == WakeReason::kTimeout) break;
    if (reason == WakeReason::kClosed && ready == 0) ready = mark_closed(descriptors, count);
  }
  return ready;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" int poll(pollfd* descriptors, nfds_t count, int timeout) {
  if (parkable_coroutine() == nullptr) return real::poll(descriptors, count, timeout);
  const KeptErrno kept;
  if (!may_begin()) return -1;
  return static_cast<int>(kept(poll_and_wait(descriptors, count, timeout)));
}
