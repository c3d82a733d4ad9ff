// accept, accept4.
//
// accept knows no flag that keeps it from blocking, and another process or thread may take the
// connection that poll saw. So a listener that a coroutine accepts on is made non-blocking for
// good; fcntl hides that from the program, and plain threads wait in poll instead.
#include <poll.h>

#include <algorithm>
#include <limits>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/counted_call.h"

namespace colibri {
namespace {

void make_nonblocking(int number, Descriptor& descriptor) noexcept {
  if (descriptor.our_nonblocking.load(std::memory_order_relaxed)) return;
  const int flags = real::fcntl(number, F_GETFL);
  if (flags < 0 || real::fcntl(number, F_SETFL, flags | O_NONBLOCK) != 0) return;
  descriptor_table::for_each_alias(number, [](Descriptor& each) { each.our_nonblocking = true; });
}

int note_accepted(int result, int listener, bool nonblocking) noexcept {
  if (result < 0) return result;
  if (const Descriptor* descriptor = descriptor_table::find(listener)) {
    descriptor_table::accepted(result, *descriptor, nonblocking);
  } else {
    descriptor_table::closing(result);  // unknown, as its listener is
  }
  return result;
}

/// poll has failed. True if accept would have gone on: after handlers with SA_RESTART, and without
/// a time-out of the program's.
bool must_go_on(const HandlerCounts& before, std::int64_t timeout) noexcept {
  return errno == EINTR && timeout == 0 && handler_counts.restarting != before.restarting &&
         handler_counts.interrupting == before.interrupting;
}

/// A blocking accept of a plain thread on a listener that we made non-blocking.
template <class Attempt>
int accept_in_thread(int number, const Descriptor& descriptor, Attempt attempt) {
  const std::int64_t timeout = descriptor.receive_timeout.load(std::memory_order_relaxed);
  const Deadline deadline =
      timeout == 0 ? Deadline::never() : Deadline::after(std::chrono::nanoseconds(timeout));
  const KeptErrno kept;
  for (;;) {
    const int result = static_cast<int>(kept(attempt()));
    if (result >= 0 || errno != EAGAIN || deadline.has_passed()) return result;
    int milliseconds = -1;
    if (!deadline.is_never()) {
      const std::int64_t left = (deadline.nanoseconds() - monotonic_now()) / 1'000'000 + 1;
      milliseconds =
          static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
    }
    pollfd query{number, POLLIN, 0};
    const HandlerCounts before = handler_counts;
    if (real::poll(&query, 1, milliseconds) >= 0 || must_go_on(before, timeout)) continue;
    return -1;
  }
}

/// `attempt()` makes the real call once.
template <class Attempt>
int blocking_accept(int number, bool nonblocking, Attempt attempt) {
  Descriptor* descriptor = parkable_descriptor(number);
  if (descriptor != nullptr && descriptor->is_socket()) {
    make_nonblocking(number, *descriptor);
    CallSite call(number, *descriptor, Direction::kRead);
    const ssize_t result = blocking_call(call, attempt, attempt);
    return note_accepted(static_cast<int>(result), number, nonblocking);
  }
  descriptor = descriptor_table::find(number);
  const bool must_wait =
      descriptor != nullptr && descriptor->our_nonblocking && !descriptor->user_nonblocking;
  const int result =
      must_wait ? accept_in_thread(number, *descriptor, attempt) : pass_through(attempt);
  return note_accepted(result, number, nonblocking);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int accept(int fd, sockaddr* address, socklen_t* size) {
  return counted<"accept">(
      [&] { return blocking_accept(fd, false, [&] { return real::accept(fd, address, size); }); });
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return counted<"accept4">([&] {
    return blocking_accept(fd, (flags & SOCK_NONBLOCK) != 0,
                           [&] { return real::accept4(fd, address, size, flags); });
  });
}

}  // extern "C"
