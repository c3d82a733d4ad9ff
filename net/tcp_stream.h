// TcpStream: a TCP connection.
#pragma once

#include <chrono>
#include <span>

#include "colibri/net/stream_socket.h"

namespace colibri {

/// When the kernel asks a silent peer whether it is still there, and how often before it gives up.
struct KeepAlive {
  std::chrono::seconds idle{60};      // of silence, before it asks first
  std::chrono::seconds interval{10};  // between two questions
  int count = 6;                      // of questions without an answer
};

/// How to connect to one of several addresses.
struct ConnectOptions {
  /// The end of the whole attempt.
  Deadline deadline = Deadline::never();
  /// While one address does not answer, the next is tried, too, after so long (RFC 8305: 100 ms to
  /// 2 s).
  std::chrono::milliseconds attempt_delay{250};
};

/// A TCP connection; see StreamSocket for reading and writing. What is written is sent at once
/// (TCP_NODELAY), unless set_no_delay(false) says otherwise.
class TcpStream : public StreamSocket {
 public:
  /// None; to be assigned to.
  TcpStream() noexcept = default;

  /// Takes over a connected TCP socket.
  static TcpStream adopt(int descriptor);

  /// Connects to `address`. Throws std::system_error: what the kernel says; timed_out when the
  /// deadline or a TimeLimit is over.
  static TcpStream connect(const Address& address, Deadline deadline = Deadline::never());
  /// Connects to whichever of several addresses answers first (RFC 8305, "happy eyeballs"): tries
  /// them in their order, but IPv6 and IPv4 in turn, each some time after the one before or at once
  /// when that has failed; the first that is connected wins. Throws the last error if all fail, in
  /// a text that has all of them; std::invalid_argument if there are none.
  static TcpStream connect(std::span<const Address> addresses, const ConnectOptions& options = {});

  /// Who is at the other end.
  Address peer_address() const;

  /// True: small writes do not wait to be joined with later ones.
  void set_no_delay(bool on);
  void set_keep_alive(const KeepAlive& keep_alive);
  /// Closes it. The kernel drops what was not sent yet, and resets the connection.
  void reset() noexcept;
  /// True: from now on any close is such a one, also that by the process's end.
  void set_reset_on_close(bool on) noexcept;

 private:
  friend class TcpListener;
  friend class TcpConnector;
  TcpStream(Socket socket, const Address& peer) noexcept
      : StreamSocket(std::move(socket), &peer, true) {}
};

}  // namespace colibri
