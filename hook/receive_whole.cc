#include "colibri/hook/receive_whole.h"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "colibri/core/received_descriptors.h"
#include "colibri/hook/buffers.h"
#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

constexpr std::size_t kCredentialsBytes = CMSG_LEN(sizeof(ucred));
// Younger than the headers.
constexpr int kPassPidfd = 76;  // SO_PASSPIDFD
constexpr int kPidfd = 4;       // SCM_PIDFD

bool has_option(int socket, int option) noexcept {
  int on = 0;
  socklen_t size = sizeof on;
  return real::getsockopt(socket, SOL_SOCKET, option, &on, &size) == 0 && on != 0;
}

const void* find_ancillary(msghdr& message, int type) noexcept {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == type) return CMSG_DATA(each);
  }
  return nullptr;
}

/// -1 if none came.
int pidfd_in(msghdr& message) noexcept {
  int number = -1;
  if (const void* data = find_ancillary(message, kPidfd)) {
    std::memcpy(&number, data, sizeof number);
  }
  return number;
}

/// Two pidfds of one process are one file, since Linux 6.9.
bool mean_same_process(int pidfd, int other) noexcept {
  struct stat64 one {};
  struct stat64 two {};
  return fstat64(pidfd, &one) == 0 && fstat64(other, &two) == 0 && one.st_dev == two.st_dev &&
         one.st_ino == two.st_ino;
}

/// Closes what came with a message that was only looked at.
void close_received(msghdr& message) noexcept {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    const bool holds = each->cmsg_type == SCM_RIGHTS || each->cmsg_type == kPidfd;
    if (each->cmsg_level != SOL_SOCKET || !holds) continue;
    for_each_descriptor_in(*each, [](int number) {
      if (number >= 0) real::close(number);
    });
  }
}

/// Takes a stream's parts into one message. Every part gets the whole room for ancillary data: its
/// credentials are those of the parts before, and descriptors are at most in the last part.
class PartReceiver {
 public:
  PartReceiver(const CallSite& call, msghdr& message) noexcept
      : number_(call.number),
        message_(message),
        control_(message.msg_control),
        control_room_(message.msg_control != nullptr ? message.msg_controllen : 0),
        name_room_(message.msg_namelen),
        cursor_(message.msg_iov, message.msg_iovlen),
        credentials_(call.descriptor.kind == DescriptorKind::kStreamSocket &&
                     has_option(call.number, SO_PASSCRED)),
        pidfds_(call.descriptor.kind == DescriptorKind::kStreamSocket &&
                has_option(call.number, kPassPidfd)) {}

  /// What follows `done` bytes; -1 with EAGAIN to wait, or any other error at the end.
  ssize_t receive(std::size_t done, int flags) noexcept {
    if (done != 0) {
      if (has_descriptors_) return fail_with_errno(EMSGSIZE);  // nobody sees it
      if (credentials_ || pidfds_) {
        const ssize_t seen = look_for_same_sender();
        if (seen <= 0) return seen;
      }
    }
    cursor_.seek(done);
    msghdr part{};
    part.msg_iov = const_cast<iovec*>(cursor_.data());
    part.msg_iovlen = cursor_.size();
    give_room(part, done == 0);
    const ssize_t result = real::recvmsg(number_, &part, flags);
    if (result > 0 || (result == 0 && done == 0)) show(part, done == 0);
    return result;
  }

 private:
  /// With too little room for credentials, MSG_CTRUNC would not tell whether descriptors came, too.
  bool needs_own_room() const noexcept { return credentials_ && control_room_ < kCredentialsBytes; }

  void give_room(msghdr& part, bool first) noexcept {
    part.msg_control = needs_own_room() ? own_control_ : control_;
    part.msg_controllen = needs_own_room() ? sizeof own_control_ : control_room_;
    if (!first) return;
    part.msg_name = message_.msg_name;
    part.msg_namelen = name_room_;
  }

  void show(msghdr& part, bool first) noexcept {
    has_descriptors_ = (part.msg_flags & MSG_CTRUNC) != 0 || find_ancillary(part, SCM_RIGHTS);
    if (const void* sender = credentials_ ? find_ancillary(part, SCM_CREDENTIALS) : nullptr) {
      std::memcpy(&sender_, sender, sizeof sender_);
    }
    if (pidfds_) {
      // Each part has brought one, and the program sees the last.
      if (pidfd_ >= 0) real::close(pidfd_);
      pidfd_ = pidfd_in(part);
    }
    if (first) message_.msg_namelen = part.msg_namelen;
    message_.msg_flags = part.msg_flags;
    message_.msg_controllen = part.msg_controllen;
    if (needs_own_room()) show_cut_credentials();
  }

  /// As the kernel does where they do not fit.
  void show_cut_credentials() noexcept {
    message_.msg_flags |= MSG_CTRUNC;
    message_.msg_controllen = control_room_ < sizeof(cmsghdr) ? 0 : control_room_;
    if (message_.msg_controllen == 0) return;
    cmsghdr header{};
    std::memcpy(&header, own_control_, sizeof header);
    header.cmsg_len = control_room_;
    std::memcpy(own_control_, &header, sizeof header);
    write_program_memory(control_, own_control_, control_room_);
  }

  /// Peeks: positive if more has come from the sender of the first part. Bytes of different senders
  /// are never glued together.
  ssize_t look_for_same_sender() noexcept {
    char byte;
    iovec piece{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];  // no room for a pidfd besides
    msghdr peek{};
    peek.msg_iov = &piece;
    peek.msg_iovlen = 1;
    peek.msg_control = control;
    peek.msg_controllen = sizeof control;
    const ssize_t result = real::recvmsg(number_, &peek, MSG_PEEK | MSG_DONTWAIT);
    if (result <= 0) return result;
    const bool same = is_of_same_sender(peek);
    close_received(peek);
    return same ? result : fail_with_errno(EMSGSIZE);
  }

  bool is_of_same_sender(msghdr& peek) const noexcept {
    if (!credentials_) return mean_same_process(pidfd_in(peek), pidfd_);
    const void* sender = find_ancillary(peek, SCM_CREDENTIALS);
    return sender != nullptr && std::memcmp(sender, &sender_, sizeof sender_) == 0;
  }

  const int number_;
  msghdr& message_;
  void* const control_;
  const std::size_t control_room_;
  const socklen_t name_room_;
  BufferCursor cursor_;
  const bool credentials_;
  const bool pidfds_;
  bool has_descriptors_ = false;
  ucred sender_{};
  int pidfd_ = -1;  // of the last part; the program's
  alignas(cmsghdr) char own_control_[CMSG_SPACE(sizeof(ucred))] = {};
};

/// MSG_PEEK with MSG_WAITALL: looks again, from the start, until enough is there or the stream has
/// come to its end.
ssize_t peek_until(CallSite& call, std::size_t wanted, PartReceiver& receiver, int flags) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  for (;;) {
    const ssize_t seen = receiver.receive(0, flags);
    if (seen < 0 && errno != EAGAIN) return seen;
    const DescriptorState* state = thread_state.event_loop->find(call.number);
    const bool ended = state != nullptr && state->hung_up;
    if (seen == 0 || seen >= static_cast<ssize_t>(wanted) || (seen > 0 && ended)) {
      return kept(seen);
    }
    const WakeReason reason = wait_ready(call.number, call.direction, call.limits());
    if (reason != WakeReason::kFired) {
      return seen > 0 ? kept(seen) : fail_with_errno(error_of(reason));
    }
  }
}

/// True when the connection has failed and nothing is left to read. A receive that has got a part
/// then ends with it, and leaves the error for the next call, as libc's does.
bool has_failed(const CallSite& call, std::size_t done) noexcept {
  if (done == 0) return false;
  const DescriptorState* state = thread_state.event_loop->find(call.number);
  if (state == nullptr || !state->hung_up) return false;
  pollfd query{call.number, POLLIN, 0};
  int left = 0;
  if (real::poll(&query, 1, 0) != 1 || (query.revents & POLLERR) == 0) return false;
  if (real::ioctl(call.number, FIONREAD, &left) == 0 && left != 0) return false;
  errno = ECONNRESET;  // anything but EAGAIN: nobody sees it
  return true;
}

}  // namespace

std::size_t bytes_to_wait_for(const Descriptor& descriptor, int flags, std::size_t room) noexcept {
  if ((flags & MSG_WAITALL) != 0) return room;
  const int low_water = descriptor.receive_low_water.load(std::memory_order_relaxed);
  return std::min(static_cast<std::size_t>(std::max(low_water, 1)), room);
}

ssize_t receive_whole(int number, const Descriptor& descriptor, msghdr& message, int flags,
                      std::size_t wanted) {
  CallSite call(number, descriptor, Direction::kRead);
  PartReceiver receiver(call, message);
  const int once = (flags & ~MSG_WAITALL) | MSG_DONTWAIT;
  if ((flags & MSG_PEEK) != 0) {
    // Other streams look at what has come first, however many bytes are asked for.
    const bool is_tcp = descriptor.kind == DescriptorKind::kTcp;
    return peek_until(call, is_tcp ? wanted : 1, receiver, once);
  }
  return blocking_transfer(
      call, [&] { return wanted; }, [&] { return receiver.receive(0, flags); },
      [&](std::size_t done) -> ssize_t {
        return has_failed(call, done) ? -1 : receiver.receive(done, once);
      });
}

}  // namespace colibri
