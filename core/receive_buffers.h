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
  static constexpr std::size_t kBytes = 4096;  // of one
  static constexpr unsigned kCount = 256;
  static constexpr std::uint16_t kGroup = 0;

  /// Throws std::system_error.
  explicit ReceiveBuffers(IoRing& ring);

  const std::byte* bytes(std::uint16_t number) const noexcept {
    return memory_.at<std::byte>(number * kBytes);
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
  std::uint16_t tail_ = 0;
};

}  // namespace colibri
