// connect.
//
// There is no MSG_DONTWAIT for connect, so the description is made non-blocking for the one call
// that starts the connection, and given back before anybody else runs; the connection then
// completes in the background. How it ended, the kernel says to a second connect.
#include <poll.h>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/counted_call.h"

namespace colibri {
namespace {

/// connect that does not wait: EINPROGRESS, or EAGAIN for a Unix socket whose peer's backlog is
/// full.
int connect_without_waiting(int number, const sockaddr* address, socklen_t size) noexcept {
  const int flags = real::fcntl(number, F_GETFL);
  if (flags < 0) return -1;
  real::fcntl(number, F_SETFL, flags | O_NONBLOCK);
  const int result = real::connect(number, address, size);
  const int error = errno;
  real::fcntl(number, F_SETFL, flags);
  errno = error;
  return result;
}

/// True once the kernel has decided: not while it is still shaking hands, although a socket that
/// was registered before its connect reports a spurious event.
bool is_decided(int number) noexcept {
  return is_ready(number, POLLOUT);
}

/// The outcome of a connection that has been decided.
int outcome(int number, const sockaddr* address, socklen_t size) noexcept {
  if (real::connect(number, address, size) == 0) return 0;
  if (errno != EALREADY && errno != EISCONN) return -1;
  // A protocol that does not answer a second connect leaves the outcome in SO_ERROR.
  int error = 0;
  socklen_t error_size = sizeof error;
  if (real::getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) return -1;
  return error == 0 ? 0 : fail_with_errno(error);
}

int wait_for_outcome(CallSite& call, const sockaddr* address, socklen_t size, int error_if_late) {
  for (;;) {
    const WakeReason reason = wait_ready(call.number, Direction::kWrite, call.limits());
    if (reason != WakeReason::kFired) return fail_with_errno(error_of(reason, error_if_late));
    if (is_decided(call.number)) return outcome(call.number, address, size);
  }
}

/// A Unix stream socket whose peer's backlog is full: nothing tells when there is room again.
int connect_to_full_backlog(CallSite& call, const sockaddr* address, socklen_t size) {
  return static_cast<int>(
      try_in_pauses(call, [&] { return connect_without_waiting(call.number, address, size); }));
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" int connect(int fd, const sockaddr* address, socklen_t size) {
  return counted<"connect">([&]() -> int {
    const Descriptor* descriptor = parkable_descriptor(fd);
    if (descriptor == nullptr || !descriptor->is_socket() || !descriptor->is_stream()) {
      return pass_through([&] { return real::connect(fd, address, size); });
    }
    const KeptErrno kept;
    if (!may_begin()) return -1;
    const int result = connect_without_waiting(fd, address, size);
    if (result == 0) return static_cast<int>(kept(0));
    CallSite call(fd, *descriptor, Direction::kWrite);
    switch (errno) {
      case EINPROGRESS:
      case EALREADY:  // an earlier connect was interrupted; this one waits for it
        return static_cast<int>(kept(wait_for_outcome(call, address, size, errno)));
      case EAGAIN:
        return static_cast<int>(kept(connect_to_full_backlog(call, address, size)));
      default:
        return result;
    }
  });
}
