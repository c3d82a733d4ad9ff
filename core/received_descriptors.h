// Descriptors that came with a message of a Unix socket, for those who take them and those who only
// note them.
#pragma once

#include <sys/socket.h>

#include <cstring>

namespace colibri {

/// Calls visit(number) for each descriptor of one control message that carries some.
template <class Visit>
void for_each_descriptor_in(const cmsghdr& control, Visit visit) {
  // Copied out, since a program's room for control messages may be anywhere.
  const auto* bytes = reinterpret_cast<const unsigned char*>(&control);
  int number;
  for (std::size_t at = CMSG_LEN(0); at + sizeof number <= control.cmsg_len; at += sizeof number) {
    std::memcpy(&number, bytes + at, sizeof number);
    visit(number);
  }
}

/// Calls visit(number) for each descriptor that was sent with `message` (SCM_RIGHTS), as recvmsg
/// has left it.
template <class Visit>
void for_each_received_descriptor(msghdr& message, Visit visit) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    for_each_descriptor_in(*each, visit);
  }
}

}  // namespace colibri
