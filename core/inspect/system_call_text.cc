#include "colibri/core/inspect/system_call_text.h"

#include <arpa/inet.h>
#include <limits.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

/// What the first argument is.
enum class Subject : std::uint8_t { kNothing, kDescriptor, kPollSet };
/// After a handler with SA_RESTART.
enum class Signalled : std::uint8_t { kFails, kRestarts, kRestartsWithoutTimeout };

struct Known {
  long number;
  const char* name;
  Subject subject;
  Signalled signalled;
};

using enum Subject;
using enum Signalled;

constexpr Known kKnown[] = {
    {SYS_read, "read", kDescriptor, kRestartsWithoutTimeout},
    {SYS_readv, "readv", kDescriptor, kRestartsWithoutTimeout},
    {SYS_pread64, "pread", kDescriptor, kRestarts},
    {SYS_preadv, "preadv", kDescriptor, kRestarts},
    {SYS_write, "write", kDescriptor, kRestartsWithoutTimeout},
    {SYS_writev, "writev", kDescriptor, kRestartsWithoutTimeout},
    {SYS_pwrite64, "pwrite", kDescriptor, kRestarts},
    {SYS_pwritev, "pwritev", kDescriptor, kRestarts},
    {SYS_accept, "accept", kDescriptor, kRestartsWithoutTimeout},
    {SYS_accept4, "accept4", kDescriptor, kRestartsWithoutTimeout},
    {SYS_connect, "connect", kDescriptor, kRestartsWithoutTimeout},
    {SYS_recvfrom, "recvfrom", kDescriptor, kRestartsWithoutTimeout},
    {SYS_recvmsg, "recvmsg", kDescriptor, kRestartsWithoutTimeout},
    {SYS_recvmmsg, "recvmmsg", kDescriptor, kFails},
    {SYS_sendto, "sendto", kDescriptor, kRestartsWithoutTimeout},
    {SYS_sendmsg, "sendmsg", kDescriptor, kRestartsWithoutTimeout},
    {SYS_sendmmsg, "sendmmsg", kDescriptor, kRestartsWithoutTimeout},
    {SYS_sendfile, "sendfile", kDescriptor, kRestartsWithoutTimeout},
    {SYS_splice, "splice", kDescriptor, kFails},
    {SYS_fsync, "fsync", kDescriptor, kRestarts},
    {SYS_fdatasync, "fdatasync", kDescriptor, kRestarts},
    {SYS_flock, "flock", kDescriptor, kRestarts},
    {SYS_fcntl, "fcntl", kDescriptor, kRestarts},
    {SYS_ioctl, "ioctl", kDescriptor, kFails},
    {SYS_close, "close", kDescriptor, kRestarts},
    {SYS_openat, "openat", kNothing, kRestarts},
    {SYS_ppoll, "ppoll", kPollSet, kFails},
    {SYS_pselect6, "pselect", kNothing, kFails},
    {SYS_epoll_pwait, "epoll_pwait", kDescriptor, kFails},
    {SYS_epoll_pwait2, "epoll_pwait2", kDescriptor, kFails},
    {SYS_nanosleep, "nanosleep", kNothing, kFails},
    {SYS_clock_nanosleep, "clock_nanosleep", kNothing, kFails},
    {SYS_rt_sigtimedwait, "sigtimedwait", kNothing, kFails},
    {SYS_rt_sigsuspend, "sigsuspend", kNothing, kFails},
    {SYS_wait4, "wait4", kNothing, kRestarts},
    {SYS_waitid, "waitid", kNothing, kRestarts},
    {SYS_futex, "futex", kNothing, kRestarts},
    {SYS_semop, "semop", kNothing, kFails},
    {SYS_semtimedop, "semtimedop", kNothing, kFails},
    {SYS_msgrcv, "msgrcv", kNothing, kFails},
    {SYS_msgsnd, "msgsnd", kNothing, kFails},
    {SYS_io_getevents, "io_getevents", kNothing, kFails},
#if defined(__x86_64__)
    {SYS_open, "open", kNothing, kRestarts},
    {SYS_poll, "poll", kPollSet, kFails},
    {SYS_select, "select", kNothing, kFails},
    {SYS_epoll_wait, "epoll_wait", kDescriptor, kFails},
    {SYS_pause, "pause", kNothing, kFails},
#endif
};

const Known* find_known(long number) noexcept {
  const auto* found = std::find_if(std::begin(kKnown), std::end(kKnown),
                                   [number](const Known& each) { return each.number == number; });
  return found != std::end(kKnown) ? found : nullptr;
}

bool has_timeout(int descriptor) noexcept {
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    timeval timeout{};
    socklen_t size = sizeof timeout;
    if (real::getsockopt(descriptor, SOL_SOCKET, option, &timeout, &size) != 0) continue;
    if (timeout.tv_sec != 0 || timeout.tv_usec != 0) return true;
  }
  return false;
}

/// "127.0.0.1:80", "[::1]:80"; empty for other families.
std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& internet = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &internet.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(internet.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& internet = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &internet.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(internet.sin6_port));
  }
  return {};
}

std::string describe_socket(int descriptor) {
  sockaddr_storage address{};
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const bool has_peer = getpeername(descriptor, plain, &size) == 0;
  size = sizeof address;
  if (!has_peer && getsockname(descriptor, plain, &size) != 0) return "socket";
  const std::string text = address_text(address);
  return text.empty() ? "socket" : (has_peer ? "socket, peer " : "socket at ") + text;
}

std::string describe_poll_set(const SystemCall& call) {
  constexpr std::size_t kMostShown = 4;
  const std::size_t count = call.arguments[1];
  std::string text = " of " + std::to_string(count) + (count == 1 ? " descriptor" : " descriptors");
  pollfd set[kMostShown];
  const std::size_t shown = std::min(count, kMostShown);
  // By the kernel, since the caller may have gone on by now, and its memory with it.
  const iovec local{set, shown * sizeof(pollfd)};
  const iovec remote{reinterpret_cast<void*>(call.arguments[0]), shown * sizeof(pollfd)};
  const ssize_t copied = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  if (copied != static_cast<ssize_t>(local.iov_len)) return text;
  for (std::size_t i = 0; i < shown; ++i) {
    text +=
        (i == 0 ? ": " : "; ") + std::to_string(set[i].fd) + ", " + describe_descriptor(set[i].fd);
  }
  return text + (shown < count ? "; ..." : "");
}

}  // namespace

std::string describe_descriptor(int descriptor) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  char target[PATH_MAX];
  const ssize_t size = readlink(path, target, sizeof target);
  if (size < 0) return "closed";
  std::string text(target, static_cast<std::size_t>(size));
  return text.starts_with("socket:") ? describe_socket(descriptor) : text;
}

std::string name_of(const SystemCall& call) {
  const Known* known = find_known(call.number);
  return known != nullptr ? known->name : "system call " + std::to_string(call.number);
}

std::string to_string(const SystemCall& call) {
  const Known* known = find_known(call.number);
  std::string text = name_of(call);
  if (known == nullptr) return text;
  if (known->subject == kDescriptor) {
    const auto descriptor = static_cast<int>(call.arguments[0]);
    text += "(" + std::to_string(descriptor) + ", " + describe_descriptor(descriptor) + ")";
  }
  if (known->subject == kPollSet) text += describe_poll_set(call);
  return text;
}

bool restarts_after_signal(const SystemCall& call) noexcept {
  const Known* known = find_known(call.number);
  if (known == nullptr || known->signalled == kFails) return false;
  return known->signalled == kRestarts || !has_timeout(static_cast<int>(call.arguments[0]));
}

std::uintptr_t futex_of(const SystemCall& call) noexcept {
  if (call.number != SYS_futex) return 0;
  const auto operation = static_cast<int>(call.arguments[1]) & FUTEX_CMD_MASK;
  const bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET ||
                     operation == FUTEX_LOCK_PI || operation == FUTEX_LOCK_PI2;
  return waits ? call.arguments[0] : 0;
}

}  // namespace colibri
