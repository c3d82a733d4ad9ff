#include "colibri/net/tcp_stream.h"

#include <netinet/tcp.h>

#include "colibri/core/libc.h"
#include "colibri/net/net_error.h"

namespace colibri {

using net_detail::throw_error;

TcpStream TcpStream::adopt(int descriptor) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    throw_error(errno, "adopt a TCP connection");
  }
  const Address peer(reinterpret_cast<const sockaddr*>(&name), size);
  if (peer.is_unix()) throw_error(EAFNOSUPPORT, "adopt a TCP connection to", peer);
  return TcpStream(Socket::adopt(descriptor), peer);
}

Address TcpStream::peer_address() const {
  const std::optional<Address> peer = known_peer();
  if (!peer) throw_error(ENOTCONN, "ask who is at the other end of no stream");
  return *peer;
}

void TcpStream::set_no_delay(bool on) {
  set_option(IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

void TcpStream::set_keep_alive(const KeepAlive& keep_alive) {
  set_option(IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(keep_alive.idle.count()));
  set_option(IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(keep_alive.interval.count()));
  set_option(IPPROTO_TCP, TCP_KEEPCNT, keep_alive.count);
  set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
}

void TcpStream::set_reset_on_close(bool on) noexcept {
  const linger at_once{.l_onoff = on ? 1 : 0, .l_linger = 0};
  real::setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void TcpStream::reset() noexcept {
  set_reset_on_close(true);
  close();
}

}  // namespace colibri
