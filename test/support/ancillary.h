// Messages of Unix sockets that carry descriptors and credentials.
#pragma once

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "test/support/libc_parity.h"

namespace colibri::test {

/// A message of bytes and the right to one descriptor, for sendmsg. `header` points into the object
/// and the text, which both must outlive the call.
struct OutgoingDescriptor {
  OutgoingDescriptor(const std::string& text, int descriptor)
      : bytes{const_cast<char*>(text.data()), text.size()} {
    header.msg_iov = &bytes;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof descriptor);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  }
  OutgoingDescriptor(const OutgoingDescriptor&) = delete;
  OutgoingDescriptor& operator=(const OutgoingDescriptor&) = delete;

  msghdr header{};
  iovec bytes;
  alignas(cmsghdr) char control[64] = {};
};

/// Room for a message, for recvmsg.
struct IncomingMessage {
  explicit IncomingMessage(std::size_t size)
      : buffer(size, '.'), bytes{buffer.data(), buffer.size()} {
    header.msg_iov = &bytes;
    header.msg_iovlen = size == 0 ? 0 : 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
  IncomingMessage(const IncomingMessage&) = delete;
  IncomingMessage& operator=(const IncomingMessage&) = delete;

  /// The first `count` bytes.
  std::string text(ssize_t count) const {
    return buffer.substr(0, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  /// The descriptor that came along; -1 if none did.
  int descriptor() {
    int number = -1;
    if (const void* data = find(SCM_RIGHTS)) memcpy(&number, data, sizeof number);
    return number;
  }
  /// The pidfd of the sender that came along; -1 if none did.
  int pidfd() {
    constexpr int kPidfd = 4;  // SCM_PIDFD, which is younger than the headers
    int number = -1;
    if (const void* data = find(kPidfd)) memcpy(&number, data, sizeof number);
    return number;
  }
  /// The process whose credentials came along; 0 if none did.
  pid_t sender() {
    ucred credentials{};
    if (const void* data = find(SCM_CREDENTIALS)) memcpy(&credentials, data, sizeof credentials);
    return credentials.pid;
  }

  msghdr header{};
  std::string buffer;
  iovec bytes;
  alignas(cmsghdr) char control[256] = {};

 private:
  const void* find(int type) {
    for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr;
         each = CMSG_NXTHDR(&header, each)) {
      if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == type) return CMSG_DATA(each);
    }
    return nullptr;
  }
};

/// recvmsg with room for `size` bytes and ancillary data; notes data, message flags and what came
/// along.
inline void receive_message(Session& session, int socket, std::size_t size, int flags = 0) {
  IncomingMessage message(size);
  const ssize_t count = session.call(session.libc.recvmsg, socket, &message.header, flags);
  if (count > 0) session.append(message.text(count));
  if ((message.header.msg_flags & MSG_TRUNC) != 0) session.append("cut");
  if ((message.header.msg_flags & MSG_EOR) != 0) session.append("record");
  if ((message.header.msg_flags & MSG_CTRUNC) != 0) session.append("control cut");
  if (const int descriptor = message.descriptor(); descriptor >= 0) {
    session.own(descriptor);
    session.append("descriptor");
    session.append((session.libc.fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0 ? "close-on-exec"
                                                                               : "inherited");
  }
  if (const int pidfd = message.pidfd(); pidfd >= 0) {
    session.own(pidfd);
    session.append("pidfd");
  }
  if (message.sender() != 0) session.append(message.sender() == getpid() ? "from me" : "?");
}

}  // namespace colibri::test
