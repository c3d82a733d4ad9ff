#include "colibri/net/socket.h"

#include "colibri/core/libc.h"
#include "colibri/net/net_error.h"

namespace colibri {

using net_detail::throw_error;

Socket Socket::adopt(int descriptor) {
  const int flags = real::fcntl(descriptor, F_GETFL);
  if (flags < 0 || real::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
      real::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
    throw_error(errno, "adopt a socket");
  }
  return Socket(OwnedDescriptor(descriptor));
}

Socket Socket::open(const Address& whom, int type) {
  Socket socket(OwnedDescriptor(
      real::socket(whom.data()->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  if (!socket.is_open()) throw_error(errno, "open a socket for", whom);
  return socket;
}

Address Socket::local_address() const {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (getsockname(descriptor(), reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    throw_error(errno, "ask for the address of a socket");
  }
  return Address(reinterpret_cast<const sockaddr*>(&name), size);
}

int Socket::option(int level, int name) const {
  int value = 0;
  socklen_t size = sizeof value;
  if (real::getsockopt(descriptor(), level, name, &value, &size) != 0) {
    throw_error(errno, "get an option of a socket");
  }
  return value;
}

void Socket::set_option(int level, int name, int value) {
  if (real::setsockopt(descriptor(), level, name, &value, sizeof value) != 0) {
    throw_error(errno, "set an option of a socket");
  }
}

}  // namespace colibri
