// Where the kernel puts what it receives for a ring: a stock of buffers from which it takes one
// when bytes have come, so that a connection that is silent has none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "colibri/core/io_ring.h"

namespace colibri {

/// Belongs to the ring's thread.
class ReceiveBuffers {
 public:
  /// `count`, a power of two, of `bytes` each, which receives ask for by `group`: another one for
  /// each stock of the ring. Throws std::system_error.
  ReceiveBuffers(IoRing& ring, std::uint16_t group, unsigned count, std::size_t bytes);

  std::uint16_t group() const noexcept { return group_; }
  unsigned count() const noexcept { return count_; }
  std::size_t bytes_of_each() const noexcept { return bytes_of_each_; }

  const std::byte* bytes(std::uint16_t number) const noexcept {
    return memory_.at<std::byte>(number * bytes_of_each_);
  }

  /// The kernel may fill it anew.
  void give_back(std::uint16_t number) noexcept;

  /// In the child of a fork: they are the parent's.
  void forget() noexcept {
    ring_memory_.forget();
    memory_.forget();
  }

 private:
  io_uring_buf_ring* ring() const noexcept { return ring_memory_.at<io_uring_buf_ring>(0); }

  UnforkedMemory ring_memory_;
  UnforkedMemory memory_;
  const std::size_t bytes_of_each_;
  const unsigned count_;
  const std::uint16_t group_;
  std::uint16_t tail_ = 0;
};

}  // namespace colibri
