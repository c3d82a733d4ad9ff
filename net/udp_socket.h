// UdpSocket: datagrams, one at a time and in batches.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "colibri/net/socket.h"
#include "colibri/net/socket_call.h"

namespace colibri {

/// A datagram that has come: how many bytes of it are in the buffer, and from whom.
struct Datagram {
  std::size_t size = 0;  // of what is in the buffer
  /// It was larger than the buffer: the rest is lost.
  bool cut_off = false;
  Address from;  // who sent it
};

/// Datagrams that come or go together, in one system call for many. Has its buffers in the heap, as
/// many and as large as it was made with. Movable; one coroutine's.
class DatagramBatch {
 public:
  /// Room for `count` datagrams of `bytes` each. At most 1,024 go in one call, and so in a batch.
  DatagramBatch(std::size_t count, std::size_t bytes);
  ~DatagramBatch();
  DatagramBatch(DatagramBatch&&) noexcept;
  DatagramBatch& operator=(DatagramBatch&&) noexcept;

  /// How many it has room for.
  std::size_t capacity() const noexcept;
  /// How many are in it: those that came, or that were put.
  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }
  void clear() noexcept;

  /// The bytes of one of them, below size(); to be changed in place, as for an answer.
  std::span<std::byte> bytes(std::size_t index) noexcept;
  /// From whom it came, or to whom it goes.
  Address address(std::size_t index) const;
  bool cut_off(std::size_t index) const noexcept;
  /// With UdpSocket::join_received: how large the datagrams are that were joined to this one, but
  /// for the last, which may be smaller; 0 if it is a single one. What is sent anew from here is
  /// split again the same way.
  std::size_t segment_bytes(std::size_t index) const noexcept;

  /// Adds one that is to go. False if the batch is full. Throws std::invalid_argument if there is
  /// no room for so many bytes. With `segment_bytes`, the kernel or the network card splits it into
  /// datagrams of that size (at most 64 of them, 65,000 bytes in all; Linux 4.18).
  bool put(std::span<const std::byte> bytes, const Address& to, std::size_t segment_bytes = 0);
  /// Of one that is in it, sends only so many bytes.
  void resize(std::size_t index, std::size_t size);

 private:
  friend class UdpSocket;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A UDP socket; rules of Socket. Calls wait as those of StreamSocket do, and end early the same
/// way.
class UdpSocket {
 public:
  /// None; to be assigned to.
  UdpSocket() noexcept = default;
  /// Binds to `address`; port 0: any free one. With `reuse_port`, others may do so, too, and the
  /// kernel spreads the senders.
  static UdpSocket bind(const Address& address, bool reuse_port = false);
  /// Sends to `peer` alone, and takes from it alone; then errors that come back, such as
  /// connection_refused, are thrown by the next call.
  static UdpSocket connect(const Address& peer);

  /// Waits for a datagram. An empty one is no end of anything.
  Datagram receive(std::span<std::byte> buffer);
  /// Waits for the first datagram, and takes all that are there and fit into the batch, whose
  /// content before is dropped.
  void receive(DatagramBatch& batch);

  /// Sends a datagram; waits while the kernel has no room. Throws std::system_error (message_size)
  /// if it is too large.
  void send_to(std::span<const std::byte> bytes, const Address& to);
  /// To the peer of connect.
  void send(std::span<const std::byte> bytes);
  /// Sends all that are in the batch, in their order. If one fails, those after it were not sent.
  void send(DatagramBatch& batch);

  /// The kernel joins datagrams of one sender and one size that come together (UDP_GRO, Linux 5.0):
  /// many are received as one, see DatagramBatch::segment_bytes. False if it cannot.
  bool join_received(bool on) noexcept;

  /// Where it is bound, with the port that port 0 has become.
  Address address() const { return socket_.local_address(); }
  /// As those of TcpStream: whoever waits is woken by close, and release hands the descriptor over.
  bool is_open() const noexcept { return socket_.is_open(); }
  int descriptor() const noexcept { return socket_.descriptor(); }
  void close() noexcept { socket_.close(); }
  int release() noexcept { return socket_.release(); }
  int option(int level, int name) const { return socket_.option(level, name); }
  void set_option(int level, int name, int value) { socket_.set_option(level, name, value); }

 private:
  explicit UdpSocket(Socket socket) noexcept : socket_(std::move(socket)) {}
  [[noreturn]] void fail(std::string_view what) const;
  void watch_reads() const noexcept;
  template <class Attempt>
  ssize_t sending_call(Attempt attempt);
  auto number() const noexcept {
    return [this] { return socket_.descriptor(); };
  }

  Socket socket_;
};

}  // namespace colibri
