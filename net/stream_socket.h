// StreamSocket: reading and writing, for TcpStream and UnixStream.
#pragma once

#include <netinet/in.h>
#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "colibri/core/received_ahead.h"
#include "colibri/net/socket.h"
#include "colibri/net/socket_call.h"

namespace colibri {

/// How long calls on a stream may wait. Zero: for ever.
struct StreamTimeouts {
  // A read, for its first byte.
  std::chrono::milliseconds idle{0};
  // read_exactly and read_until, from the first byte to the last.
  std::chrono::milliseconds read{0};
  // A write, in all.
  std::chrono::milliseconds write{0};
};

/// A connected socket that carries bytes in order. Movable; rules of Socket.
///
/// Calls that wait park the coroutine; in a plain thread they block it. A time-out of the stream's
/// own, and a TimeLimit that is over, make them throw std::system_error (timed_out); a cancelled
/// coroutine gets Canceled. The stream can be used after that, but a write may have sent some bytes
/// and not the rest. The end of the stream is no error. A connection that the peer has reset is
/// (connection_reset, broken_pipe); no signal is raised.
class StreamSocket {
 public:
  /// Takes the first bytes that come, as many as are there and fit: how many; 0 at the end of the
  /// stream, and for an empty buffer.
  std::size_t read_some(std::span<std::byte> buffer) {
    return receive(buffer, net_detail::CallDeadline(timeouts_.idle));
  }
  /// The same into several buffers, in their order.
  std::size_t read_some(std::span<const iovec> buffers);

  /// The same without waiting: nothing if no byte is there.
  std::optional<std::size_t> try_read_some(std::span<std::byte> buffer);

  /// Fills the buffer. False if the stream has ended; if it ends after some of the bytes, throws
  /// std::system_error (connection_aborted).
  bool read_exactly(std::span<std::byte> buffer);

  /// Reads until `delimiter` is in `buffer`, which may hold bytes already: how many bytes it has up
  /// to the delimiter and with it; 0 if the stream ends before. Bytes behind it may have come, too:
  /// erase what was used, and call again. Throws std::system_error (message_size) if there is no
  /// delimiter within `limit` bytes.
  std::size_t read_until(std::string& buffer, std::string_view delimiter, std::size_t limit);

  /// Sends all of it.
  void write_all(std::span<const std::byte> bytes) {
    if (!net_detail::may_begin_call()) [[unlikely]]
      fail("write to");
    net_detail::CallDeadline deadline(timeouts_.write);
    while (!bytes.empty()) bytes = bytes.subspan(send_some(bytes, deadline));
  }
  void write_all(std::string_view text) { write_all(std::as_bytes(std::span<const char>(text))); }
  /// The same for several buffers, in their order.
  void write_all(std::span<const iovec> buffers);

  /// Sends as much as the kernel takes without waiting; nothing if it takes no byte.
  std::optional<std::size_t> try_write_some(std::span<const std::byte> bytes);

  /// Waits until there is something to read, or the end. On a shared stack, what lies in the frames
  /// of a parked coroutine is copied: so let those wait here whose buffer lies on the stack, before
  /// they enter the function that holds it.
  void wait_readable();
  /// There is something to read, or the end. Does not wait.
  bool is_readable();

  /// The peer reads the end of the stream; reading goes on.
  void shutdown_write();

  const StreamTimeouts& timeouts() const noexcept { return timeouts_; }
  void set_timeouts(const StreamTimeouts& timeouts) noexcept { timeouts_ = timeouts; }

  /// On the io_uring engine, and for TCP: from its next wait on, reading receives ahead. What comes
  /// is taken out of the socket at once, a few buffers at most, and kept for the next read. It
  /// saves the kernel's work for each wait. But only this stream's calls find those bytes: not raw
  /// calls on its descriptor, nor a child process, and the stream must stay on its thread. False:
  /// no more; what has come stays to be read, now on any thread. No effect elsewhere.
  void set_receive_ahead(bool on);
  bool receives_ahead() const noexcept { return ahead_ != nullptr && !ahead_->is_stopped(); }
  /// True while a read may find bytes, or an error, that are no longer in the socket.
  bool has_received_ahead() const noexcept { return ahead_ != nullptr && !ahead_->is_over(); }
  /// Of what was received ahead, the first bytes that fit: how many. Does not wait and asks nobody.
  /// For those who go on with the bare descriptor: to be called until it says 0, after
  /// set_receive_ahead(false).
  std::size_t take_received(std::span<std::byte> buffer) noexcept;
  /// The same, and they stay.
  std::size_t peek_received(std::span<std::byte> buffer) const noexcept;

  bool is_open() const noexcept { return socket_.is_open(); }
  int descriptor() const noexcept { return socket_.descriptor(); }
  void close() noexcept {
    ahead_.reset();
    socket_.close();
  }
  /// Not of a stream that receives ahead, or has bytes left that it did.
  int release() noexcept;
  Address local_address() const { return socket_.local_address(); }
  int option(int level, int name) const { return socket_.option(level, name); }
  void set_option(int level, int name, int value);

  /// For those who write further calls on a stream: throws std::system_error with errno, saying
  /// `what` ("write to") was done to this peer.
  [[noreturn]] void fail(std::string_view what) const;

 protected:
  StreamSocket() noexcept = default;
  /// `peer`: its address, if it has one worth telling. `short_reads_prove`: this is TCP, where a
  /// read that gets less than it could has emptied the socket.
  StreamSocket(Socket socket, const Address* peer, bool short_reads_prove) noexcept;

  /// Who is at the other end, as known from the beginning; null for Unix sockets.
  std::optional<Address> known_peer() const;
  auto number() const noexcept {
    return [this] { return socket_.descriptor(); };
  }

 private:
  std::size_t receive(std::span<std::byte> buffer, net_detail::CallDeadline deadline);
  ssize_t receive_with_ring(std::span<std::byte> buffer, net_detail::CallDeadline& deadline);
  ssize_t receive_ahead(std::span<std::byte> buffer, net_detail::CallDeadline& deadline);
  ssize_t receive_now(std::span<std::byte> buffer);
  std::size_t receive_pieces(std::span<const iovec> buffers);
  bool has_received();
  ssize_t send_with_ring(std::span<const std::byte> bytes);
  std::size_t send_some(std::span<const std::byte> bytes, net_detail::CallDeadline& deadline);
  void note_read(std::size_t size, std::size_t room) const noexcept;

  Socket socket_;
  std::unique_ptr<ReceivedAhead> ahead_;
  bool short_reads_prove_ = false;
  // Kept here, since the kernel does not know it any more when the connection was reset; and not as
  // an Address, which has room for the names of Unix sockets.
  sockaddr_in6 peer_{};
  StreamTimeouts timeouts_;
};

}  // namespace colibri
