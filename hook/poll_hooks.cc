// poll and ppoll.
#include <poll.h>

#include "colibri/hook/counted_call.h"
#include "colibri/hook/waiting_call.h"

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

[[gnu::always_inline]] inline int hooked_poll(pollfd* descriptors, nfds_t count,
                                              Patience patience) {
  return waiting_call(
      patience,
      [descriptors, count](const sigset_t* mask) {
        constexpr timespec kAtOnce{};
        return mask != nullptr ? real::ppoll(descriptors, count, &kAtOnce, mask)
                               : real::poll(descriptors, count, 0);
      },
      [descriptors, count](WaitLimits limits) {
        return wait_any({descriptors, count}, limits);
      },
      [descriptors, count] { return mark_closed(descriptors, count); });
}

// Arguments in registers: a copy of Patience would lie on the stack of everybody who waits here.
[[gnu::noinline]] int poll_in_coroutine(pollfd* descriptors, nfds_t count, int timeout) {
  return hooked_poll(descriptors, count, Patience::milliseconds(timeout));
}

[[gnu::noinline]] int ppoll_in_coroutine(pollfd* descriptors, nfds_t count, const timespec* timeout,
                                         const sigset_t* mask) {
  return hooked_poll(descriptors, count, Patience::of(timeout, mask));
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int poll(pollfd* descriptors, nfds_t count, int timeout) {
  if (parkable_coroutine() == nullptr) return real::poll(descriptors, count, timeout);
  return counted<"poll">(&poll_in_coroutine, descriptors, count, timeout);
}

int ppoll(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  const bool valid = timeout == nullptr || is_valid_timeout(*timeout);
  if (parkable_coroutine() == nullptr || !valid) {
    return pass_through([&] { return real::ppoll(descriptors, count, timeout, mask); });
  }
  return counted<"ppoll">(&ppoll_in_coroutine, descriptors, count, timeout, mask);
}

}  // extern "C"
