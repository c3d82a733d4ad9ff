// epoll_wait, epoll_pwait, epoll_pwait2: on an epoll set of the program's own. The set's descriptor
// is readable when it has events, so a coroutine waits for that.
#include <sys/epoll.h>

#include "colibri/core/internal_descriptor.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/program_memory.h"
#include "colibri/hook/waiting_call.h"

namespace colibri {
namespace {

int hooked_epoll_wait(int set, epoll_event* events, int room, Patience patience) {
  return waiting_call(
      patience, [=](const sigset_t* mask) { return real::epoll_pwait(set, events, room, 0, mask); },
      [=](WaitLimits limits) { return wait_ready(set, Direction::kRead, limits); },
      [] { return fail_with_errno(EBADF); });
}

/// True where the call is to park; false: to pass through.
bool may_park(int set) noexcept {
  return parkable_coroutine() != nullptr && !is_internal_descriptor(set);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int epoll_wait(int set, epoll_event* events, int room, int timeout) {
  if (!may_park(set)) return real::epoll_wait(set, events, room, timeout);
  return counted<"epoll_wait">(&hooked_epoll_wait, set, events, room,
                               Patience::milliseconds(timeout));
}

int epoll_pwait(int set, epoll_event* events, int room, int timeout, const sigset_t* mask) {
  if (!may_park(set)) return real::epoll_pwait(set, events, room, timeout, mask);
  Patience patience = Patience::milliseconds(timeout);
  patience.mask = mask;
  return counted<"epoll_pwait">(&hooked_epoll_wait, set, events, room, patience);
}

int epoll_pwait2(int set, epoll_event* events, int room, const timespec* timeout,
                 const sigset_t* mask) {
  timespec span{};
  const bool valid = timeout == nullptr || (read_argument(span, timeout) && is_valid_timeout(span));
  if (!may_park(set) || !valid) {
    return pass_through([&] { return real::epoll_pwait2(set, events, room, timeout, mask); });
  }
  return counted<"epoll_pwait2">(&hooked_epoll_wait, set, events, room,
                                 Patience::of(timeout != nullptr ? &span : nullptr, mask));
}

}  // extern "C"
