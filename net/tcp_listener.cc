#include "colibri/net/tcp_listener.h"

#include <netinet/tcp.h>

#include "colibri/net/accept_call.h"
#include "colibri/net/net_error.h"

namespace colibri {

TcpListener::TcpListener(const Address& address, const ListenOptions& options)
    : socket_(Socket::open(address, SOCK_STREAM)) {
  if (address.is_unix()) net_detail::throw_error(EAFNOSUPPORT, "listen for TCP on", address);
  // Connections of a predecessor that are not quite over must not keep us from the address.
  socket_.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) socket_.set_option(SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family() == Address::Family::kIPv6) {
    socket_.set_option(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
  }
  // Inherited by what is accepted, which saves a call for each.
  socket_.set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  net_detail::bind_and_listen(socket_, address, options.backlog);
}

TcpListener TcpListener::adopt(int descriptor) {
  Socket socket = net_detail::adopt_listener(descriptor);
  if (socket.local_address().is_unix()) {
    socket.release();  // it is still the caller's
    net_detail::throw_error(EAFNOSUPPORT, "adopt a listener that is not for TCP");
  }
  socket.set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  return TcpListener(std::move(socket));
}

TcpStream TcpListener::accept() {
  net_detail::Accepted accepted = net_detail::accept_from(socket_);
  return TcpStream(std::move(accepted.socket), accepted.peer);
}

std::optional<TcpStream> TcpListener::try_accept() {
  std::optional<net_detail::Accepted> accepted = net_detail::try_accept_from(socket_);
  if (!accepted) return std::nullopt;
  return TcpStream(std::move(accepted->socket), accepted->peer);
}

}  // namespace colibri
