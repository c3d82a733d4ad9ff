// The bytes that are sent, and that replies are checked against.
//
// One table of random bytes serves all connections. Connection c reads it as an endless ring from
// a starting point of its own, so that byte k of its stream is known from c and k alone: nothing
// is generated or copied, a piece is sent from the table and a reply is compared with the table.
// A ring of bytes has a prime for its length that does not divide the message size: each message of
// a connection begins elsewhere, and a lost, doubled, swapped or strange message is seen. A ring of
// frames holds whole ones, several that differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace load_test {

/// Immutable once built, so any thread may use it.
class Pattern {
 public:
  /// The longest piece that one call gives.
  static constexpr std::size_t kLongestPiece = 64 * 1024;

  /// What comes before the payload of a frame: its size, big-endian.
  static constexpr std::size_t kPrefixBytes = 4;

  /// Messages without a frame, of random bytes.
  explicit Pattern(std::uint64_t message_bytes);
  /// Messages of a prefix and `payload_bytes` random ones, which must fit into the prefix.
  static Pattern framed(std::uint64_t payload_bytes);
  /// The same message again and again.
  static Pattern repeated(std::string_view message);

  /// Of a message as it is sent, with what frames it.
  std::uint64_t message_bytes() const { return message_bytes_; }

  /// The bytes of connection `connection` from `offset` of its stream on; `size` up to
  /// kLongestPiece.
  std::span<const std::byte> piece(std::uint64_t connection, std::uint64_t offset,
                                   std::size_t size) const {
    return std::span(ring_).subspan((connection * stride_ + offset) % period_, size);
  }

 private:
  /// A ring of zeros.
  Pattern(std::uint64_t message_bytes, std::uint64_t period, std::uint64_t stride);
  void fill_with_random_bytes();
  /// Writes the beginning of the period again behind it.
  void close_ring();

  std::uint64_t message_bytes_;
  std::uint64_t period_;
  std::uint64_t stride_;         // from where one connection begins to where the next one does
  std::vector<std::byte> ring_;  // the period, and the longest piece again behind it
};

}  // namespace load_test
