// recvmmsg and sendmmsg.
#include <limits.h>
#include <sys/socket.h>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/program_memory.h"
#include "colibri/hook/receive_whole.h"
#include "colibri/hook/waiting_call.h"

namespace colibri {
namespace {

constinit RealFunction real_recvmmsg{"recvmmsg", ::recvmmsg};
constinit RealFunction real_sendmmsg{"sendmmsg", ::sendmmsg};

void note_all_received(mmsghdr* messages, int count) noexcept {
  for (int i = 0; i < count; ++i) {
    if (messages[i].msg_hdr.msg_controllen != 0) note_received_descriptors(messages[i].msg_hdr);
  }
}

/// Deadline of the time-out that recvmmsg is given. As in the kernel, it is looked at after a
/// message has come, and ends no wait.
class Patient {
 public:
  explicit Patient(const timespec* span) noexcept
      : deadline_(span == nullptr ? Deadline::never() : Patience::of(span, nullptr).deadline) {}

  bool is_over() const noexcept { return !deadline_.is_never() && deadline_.has_passed(); }
  /// What is left of it, at the least nothing.
  timespec left() const noexcept {
    const std::int64_t left = std::max<std::int64_t>(0, deadline_.nanoseconds() - monotonic_now());
    return {left / 1'000'000'000, left % 1'000'000'000};
  }
  bool is_finite() const noexcept { return !deadline_.is_never(); }

 private:
  Deadline deadline_;
};

/// True if the socket has an error to tell. After messages it is for the next call, as in the
/// kernel, and another try would take it away.
bool has_error(int number) noexcept {
  pollfd query{number, 0, 0};
  if (real::poll(&query, 1, 0) != 1 || (query.revents & POLLERR) == 0) return false;
  errno = EIO;  // anything but EAGAIN: nobody sees it
  return true;
}

int receive_many(int number, const Descriptor& socket, mmsghdr* messages, unsigned count, int flags,
                 timespec* timeout) {
  timespec span{};
  if (timeout != nullptr && (!read_argument(span, timeout) || !is_valid_timeout(span))) {
    return real_recvmmsg(number, messages, count, flags, timeout);
  }
  const Patient patient(timeout != nullptr ? &span : nullptr);
  const int tried = (flags & ~MSG_WAITFORONE) | MSG_DONTWAIT;
  std::size_t wanted = (flags & MSG_WAITFORONE) != 0 ? 1 : std::min<std::size_t>(count, IOV_MAX);
  CallSite call(number, socket, Direction::kRead);
  std::size_t received = 0;
  const auto receive_rest = [&](int how, timespec* limit) {
    return real_recvmmsg(number, messages + received, count - static_cast<unsigned>(received), how,
                         limit);
  };
  const auto result = static_cast<int>(blocking_transfer(
      call, [&] { return patient.is_over() ? 0 : wanted; },
      [&] { return receive_rest(flags, timeout); },
      [&](std::size_t done) -> ssize_t {
        received = done;
        return done != 0 && has_error(number) ? -1 : receive_rest(tried, nullptr);
      }));
  if (result > 0 && patient.is_finite()) *timeout = patient.left();
  return result;
}

/// Sends them one by one where it has to wait, and together where it has not.
int send_many(int number, bool whole, mmsghdr* messages, unsigned count, int flags) {
  unsigned done = 0;
  while (done < count) {
    const int sent =
        whole ? real_sendmmsg(number, messages + done, count - done, flags | MSG_DONTWAIT)
              : fail_with_errno(EAGAIN);
    if (sent > 0) {
      done += static_cast<unsigned>(sent);
      continue;
    }
    if (sent < 0 && errno != EAGAIN) break;
    const ssize_t size = sendmsg(number, &messages[done].msg_hdr, flags);
    if (size < 0) break;
    messages[done++].msg_len = static_cast<unsigned>(size);
  }
  return done != 0 || count == 0 ? static_cast<int>(done) : -1;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  return counted<"recvmmsg">([&]() -> int {
    const Descriptor* socket = patient_socket(fd, flags);
    const bool waits = socket != nullptr && count != 0 && (flags & (MSG_OOB | MSG_ERRQUEUE)) == 0;
    const int result =
        waits ? receive_many(fd, *socket, messages, count, flags, timeout)
              : pass_through([&] { return real_recvmmsg(fd, messages, count, flags, timeout); });
    note_all_received(messages, result);
    return result;
  });
}

int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return counted<"sendmmsg">([&]() -> int {
    const Descriptor* socket = patient_socket(fd, flags);
    if (socket == nullptr) {
      return pass_through([&] { return real_sendmmsg(fd, messages, count, flags); });
    }
    const KeptErrno kept;
    if (!may_begin()) return -1;
    return static_cast<int>(kept(
        send_many(fd, !socket->is_stream(), messages, std::min(count, unsigned{IOV_MAX}), flags)));
  });
}

}  // extern "C"
