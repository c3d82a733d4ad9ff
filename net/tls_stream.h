// TlsStream: a TCP connection that nobody between can read or change.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "colibri/net/tcp_stream.h"
#include "colibri/net/tls_context.h"

namespace colibri {

/// A TLS connection, 1.2 or 1.3. Movable; used by one coroutine that reads and one that writes, as
/// other streams. The TCP stream's own time-outs hold for it.
///
/// Errors are those of TcpStream; and std::system_error (protocol_error) for all that TLS finds
/// wrong, with OpenSSL's reason. After an error it is of no use; but for a read that was timed out
/// or cancelled, after which all goes on.
class TlsStream {
 public:
  /// None; to be assigned to.
  TlsStream() noexcept;
  TlsStream(TlsStream&&) noexcept;
  TlsStream& operator=(TlsStream&&) noexcept;
  ~TlsStream();

  /// The server's side of a handshake over `stream`, which ends at the deadline at the latest, and
  /// within the context's time for it.
  static TlsStream accept(TcpStream stream, const TlsServerContext& context,
                          Deadline deadline = Deadline::never());
  /// The client's side. `host` is the name, or the IP address, that the server's certificate must
  /// be for; a session with it from before is resumed. Throws std::invalid_argument if it is empty.
  static TlsStream connect(TcpStream stream, const std::string& host,
                           const TlsClientContext& context, Deadline deadline = Deadline::never());

  /// As StreamSocket's. The end of the stream is one that the peer has declared; if TCP ends
  /// without that, somebody may have cut it off: throws std::system_error (connection_aborted).
  std::size_t read_some(std::span<std::byte> buffer);
  std::optional<std::size_t> try_read_some(std::span<std::byte> buffer);
  bool read_exactly(std::span<std::byte> buffer);
  std::size_t read_until(std::string& buffer, std::string_view delimiter, std::size_t limit);
  void write_all(std::span<const std::byte> bytes);
  void write_all(std::string_view text) { write_all(std::as_bytes(std::span<const char>(text))); }
  /// As StreamSocket's, but when it has sent nothing, some of the bytes may be sealed already: the
  /// next write must begin with the same ones, and have as many at least.
  std::optional<std::size_t> try_write_some(std::span<const std::byte> bytes);
  /// Waits until there is something to read, or the end; see StreamSocket::wait_readable.
  void wait_readable();
  /// Declares the end of what this side sends; reading goes on.
  void shutdown_write();
  /// The same without waiting, as far as that is possible. No effect after an error.
  void try_shutdown_write() noexcept;
  /// try_shutdown_write, and closes.
  void close() noexcept;
  /// Closes; as TcpStream's.
  void reset() noexcept;
  /// Hands over what is below, open, and declares nothing.
  TcpStream release() noexcept;
  bool is_open() const noexcept;

  /// As TcpStream's; the handshake's time is the context's.
  const StreamTimeouts& timeouts() const noexcept;
  void set_timeouts(const StreamTimeouts& timeouts) noexcept;

  /// The protocol of the application that both have chosen (ALPN); empty: none.
  std::string protocol() const;
  /// "TLSv1.3" and its like.
  std::string version() const;
  /// The name that the client has asked for (SNI); empty: none.
  std::string server_name() const;
  /// A session from before was resumed: the handshake was a short one.
  bool resumed() const noexcept;
  /// Whom the peer's certificate is for ("CN=…"); empty: it has none.
  std::string peer_subject() const;

  /// As StreamSocket's.
  [[noreturn]] void fail(std::string_view what) const;

  /// What is below, for its addresses, options and time-outs. Not to be read from or written to.
  TcpStream& tcp() noexcept;

 private:
  struct State;
  explicit TlsStream(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace colibri
