#include "colibri/net/accept_call.h"

#include "colibri/core/libc.h"
#include "colibri/net/net_error.h"
#include "colibri/net/socket_call.h"

namespace colibri::net_detail {
namespace {

/// Errors of a connection that is over before it was taken, as accept(2) has them: the next may be
/// all right.
bool is_of_one_connection(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPERM:  // a firewall's rule
      return true;
    default:
      return false;
  }
}

/// accept4, with the name of who is at the other end.
struct AcceptCall {
  const Socket& listener;
  sockaddr_storage name{};
  socklen_t size = 0;

  ssize_t operator()() noexcept {
    for (;;) {
      size = sizeof name;
      const int descriptor =
          real::accept4(listener.descriptor(), reinterpret_cast<sockaddr*>(&name), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor >= 0 || !is_of_one_connection(errno)) return descriptor;
    }
  }

  Accepted take(int descriptor) const {
    OwnedDescriptor owner(descriptor);
    // Should the kernel say nothing, it is somebody without a name.
    if (size < sizeof(sa_family_t)) return {Socket(std::move(owner)), Address::unix_socket("")};
    const Address peer(reinterpret_cast<const sockaddr*>(&name), size);
    return {Socket(std::move(owner)), peer};
  }
};

[[noreturn]] void fail_to_accept(const Socket& listener) {
  const int error = errno;
  if (!listener.is_open()) throw_error(error, "accept from a listener that is closed");
  throw_error(error, "accept on", listener.local_address());
}

}  // namespace

void bind_and_listen(const Socket& socket, const Address& address, int backlog) {
  if (bind(socket.descriptor(), address.data(), address.size()) != 0) {
    throw_error(errno, "bind to", address);
  }
  if (real::listen(socket.descriptor(), backlog) != 0) throw_error(errno, "listen on", address);
}

Accepted accept_from(const Socket& listener) {
  AcceptCall call{listener};
  const ssize_t descriptor = socket_call([&] { return listener.descriptor(); }, Direction::kRead,
                                         CallDeadline(), [&] { return call(); });
  if (descriptor < 0) fail_to_accept(listener);
  return call.take(static_cast<int>(descriptor));
}

std::optional<Accepted> try_accept_from(const Socket& listener) {
  AcceptCall call{listener};
  const ssize_t descriptor = call();
  if (descriptor >= 0) return call.take(static_cast<int>(descriptor));
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  fail_to_accept(listener);
}

Socket adopt_listener(int descriptor) {
  Socket socket = Socket::adopt(descriptor);
  if (socket.option(SOL_SOCKET, SO_ACCEPTCONN) == 0) {
    socket.release();  // it is still the caller's
    throw_error(EINVAL, "adopt a socket that does not listen");
  }
  return socket;
}

}  // namespace colibri::net_detail
