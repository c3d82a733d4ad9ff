// The bytes that are sent, and that replies are checked against.
//
// One table of random bytes serves all connections. Connection c reads it as an endless ring from
// a starting point of its own, so that byte k of its stream is known from c and k alone: nothing
// is generated or copied, a piece is sent from the table and a reply is compared with the table.
// The ring's length is a prime that does not divide the message size: each message of a
// connection begins elsewhere, and a lost, doubled, swapped or strange message is seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace load_test {

/// Immutable once built, so any thread may use it.
class Pattern {
 public:
  /// The longest piece that one call gives.
  static constexpr std::size_t kLongestPiece = 64 * 1024;

  explicit Pattern(std::uint64_t message_bytes);

  /// The bytes of connection `connection` from `offset` of its stream on; `size` up to
  /// kLongestPiece.
  std::span<const std::byte> piece(std::uint64_t connection, std::uint64_t offset,
                                   std::size_t size) const {
    return std::span(ring_).subspan((connection * kStride + offset) % period_, size);
  }

 private:
  // Neighbours in the list of connections must not be neighbours in the ring.
  static constexpr std::uint64_t kStride = 40'503;

  std::uint64_t period_;
  std::vector<std::byte> ring_;  // the period, and the longest piece again behind it
};

}  // namespace load_test
