// UnixStream: a stream of the Unix domain, which can carry descriptors.
#pragma once

#include <utility>
#include <vector>

#include "colibri/net/stream_socket.h"

namespace colibri {

/// A connected stream between processes of this machine; see StreamSocket for reading and writing.
class UnixStream : public StreamSocket {
 public:
  /// Most descriptors that go with one write.
  static constexpr std::size_t kMostDescriptors = 253;

  /// None; to be assigned to.
  UnixStream() noexcept = default;

  /// Takes over a connected stream socket of the Unix domain.
  static UnixStream adopt(int descriptor);
  /// Two that are connected to each other.
  static std::pair<UnixStream, UnixStream> pair();

  /// Connects to a Unix socket's address. While the listener has no room for another, tries again
  /// in pauses. Throws std::system_error: what the kernel says; timed_out when the deadline or a
  /// TimeLimit is over.
  static UnixStream connect(const Address& address, Deadline deadline = Deadline::never());

  /// As write_all, and the peer gets copies of the descriptors with the first byte; the caller
  /// keeps its own. Throws std::invalid_argument if there is no byte to go with, or there are more
  /// than kMostDescriptors.
  void write_with_descriptors(std::span<const std::byte> bytes, std::span<const int> descriptors);

  /// As read_some, and adds descriptors that come with the bytes to `descriptors`, close-on-exec.
  /// Other reads drop them. Throws std::system_error (too_many_files_open) if not all could be
  /// taken; the bytes and the descriptors are lost then.
  std::size_t read_with_descriptors(std::span<std::byte> buffer,
                                    std::vector<OwnedDescriptor>& descriptors);

 private:
  friend class UnixListener;
  explicit UnixStream(Socket socket) noexcept : StreamSocket(std::move(socket), nullptr, false) {}
};

/// Takes streams of the Unix domain. Movable; rules of Socket.
class UnixListener {
 public:
  /// None; to be assigned to.
  UnixListener() noexcept = default;
  /// Binds to a path or an abstract name, and listens. A path that a listener left behind which
  /// nobody serves any more is taken over; nobody removes it in the end. Throws std::system_error.
  explicit UnixListener(const Address& address, int backlog = SOMAXCONN);
  /// Takes over a listening socket.
  static UnixListener adopt(int descriptor);

  /// As TcpListener::accept.
  UnixStream accept();

  /// Where it is bound, with the port that port 0 has become.
  Address address() const { return socket_.local_address(); }
  /// As those of TcpStream: whoever waits is woken by close, and release hands the descriptor over.
  bool is_open() const noexcept { return socket_.is_open(); }
  int descriptor() const noexcept { return socket_.descriptor(); }
  void close() noexcept { socket_.close(); }
  int release() noexcept { return socket_.release(); }

 private:
  explicit UnixListener(Socket socket) noexcept : socket_(std::move(socket)) {}

  Socket socket_;
};

}  // namespace colibri
