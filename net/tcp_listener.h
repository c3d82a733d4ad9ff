// TcpListener: takes TCP connections.
#pragma once

#include "colibri/net/tcp_stream.h"

namespace colibri {

/// How to listen.
struct ListenOptions {
  /// Connections that the kernel completes before anybody accepts them; it may allow fewer
  /// (net.core.somaxconn).
  int backlog = SOMAXCONN;
  /// Others may listen on the same address, which set this, too: the kernel spreads connections.
  bool reuse_port = false;
  /// An IPv6 address takes no IPv4 connections.
  bool ipv6_only = false;
};

/// Listens on an address. Movable; rules of Socket.
class TcpListener {
 public:
  /// None; to be assigned to.
  TcpListener() noexcept = default;
  /// Binds and listens; connections are taken by the kernel from now on. Port 0: any free one.
  /// Throws std::system_error.
  explicit TcpListener(const Address& address, const ListenOptions& options = {});
  /// Takes over a listening socket, as a parent process or systemd hands it down.
  static TcpListener adopt(int descriptor);

  /// Waits for a connection and takes it. Throws std::system_error: too_many_files_open and its
  /// kind, with the connection still waiting; timed_out when a TimeLimit is over. Connections that
  /// were given up before they were taken are passed over. Throws Canceled.
  TcpStream accept();
  /// The same without waiting: nothing if no connection waits.
  std::optional<TcpStream> try_accept();

  /// Where it listens, with the port that port 0 has become.
  Address address() const { return socket_.local_address(); }

  /// As those of TcpStream: whoever waits is woken by close, and release hands the descriptor over.
  bool is_open() const noexcept { return socket_.is_open(); }
  int descriptor() const noexcept { return socket_.descriptor(); }
  void close() noexcept { socket_.close(); }
  int release() noexcept { return socket_.release(); }

 private:
  explicit TcpListener(Socket socket) noexcept : socket_(std::move(socket)) {}

  Socket socket_;
};

}  // namespace colibri
