#include "colibri/core/receive_buffers.h"

#include <atomic>

namespace colibri {

ReceiveBuffers::ReceiveBuffers(IoRing& ring_of_thread, std::uint16_t group, unsigned count,
                               std::size_t bytes)
    : bytes_of_each_(bytes), count_(count), group_(group) {
  ring_memory_.map(count_ * sizeof(io_uring_buf), -1, 0);
  memory_.map(count_ * bytes_of_each_, -1, 0);
  ring_of_thread.register_buffers(ring(), count_, group_);
  for (unsigned i = 0; i < count_; ++i) give_back(static_cast<std::uint16_t>(i));
}

void ReceiveBuffers::give_back(std::uint16_t number) noexcept {
  // An array of buffers, in the first of which unused bytes hold the tail. As an array of its own:
  // the kernel's header declares one that C++ takes for longer.
  auto* buffers = ring_memory_.at<io_uring_buf>(0);
  io_uring_buf& buffer = buffers[tail_ & (count_ - 1)];
  buffer.addr = reinterpret_cast<std::uintptr_t>(bytes(number));
  buffer.len = static_cast<std::uint32_t>(bytes_of_each_);
  buffer.bid = number;
  std::atomic_ref(ring()->tail).store(++tail_, std::memory_order_release);
}

}  // namespace colibri
