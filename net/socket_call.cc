#include "colibri/net/socket_call.h"

#include <algorithm>
#include <limits>

#include "colibri/core/canceled.h"
#include "colibri/core/libc.h"

namespace colibri::net_detail {

bool may_go_on(WakeReason reason) {
  switch (reason) {
    case WakeReason::kFired:
    case WakeReason::kUnsupported:
    case WakeReason::kCompleted:
      return true;
    case WakeReason::kCanceled:
      throw Canceled();
    case WakeReason::kTimeout:
    case WakeReason::kLimit:
      errno = ETIMEDOUT;
      break;
    case WakeReason::kClosed:
      errno = EBADF;
      break;
    case WakeReason::kOutOfMemory:
      errno = ENOMEM;
      break;
    case WakeReason::kInterrupted:
      errno = EINTR;
      break;
  }
  return false;
}

namespace {

/// As poll takes it, and never too short.
int milliseconds_until(Deadline deadline) noexcept {
  if (deadline.is_never()) return -1;
  const std::int64_t left = (deadline.nanoseconds() - monotonic_now() + 999'999) / 1'000'000;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

bool wait_in_thread(std::span<pollfd> descriptors, Deadline deadline) noexcept {
  for (;;) {
    const int ready =
        real::poll(descriptors.data(), descriptors.size(), milliseconds_until(deadline));
    if (ready > 0) {
      const auto is_closed = [](const pollfd& each) { return (each.revents & POLLNVAL) != 0; };
      if (std::none_of(descriptors.begin(), descriptors.end(), is_closed)) return true;
      errno = EBADF;
      return false;
    }
    if (ready < 0 && errno != EINTR) return false;
    if (deadline.has_passed()) {
      errno = ETIMEDOUT;
      return false;
    }
  }
}

}  // namespace colibri::net_detail
