#include "colibri/core/receive_buffers.h"

#include <atomic>

namespace colibri {

ReceiveBuffers::ReceiveBuffers(IoRing& ring_of_thread) {
  ring_memory_.map(kCount * sizeof(io_uring_buf), -1, 0);
  memory_.map(kCount * kBytes, -1, 0);
  ring_of_thread.register_buffers(ring(), kCount, kGroup);
  for (unsigned i = 0; i < kCount; ++i) give_back(static_cast<std::uint16_t>(i));
}

void ReceiveBuffers::give_back(std::uint16_t number) noexcept {
  // An array of buffers, in the first of which unused bytes hold the tail. As an array of its own:
  // the kernel's header declares one that C++ takes for longer.
  auto* buffers = ring_memory_.at<io_uring_buf>(0);
  io_uring_buf& buffer = buffers[tail_ & (kCount - 1)];
  buffer.addr = reinterpret_cast<std::uintptr_t>(bytes(number));
  buffer.len = kBytes;
  buffer.bid = number;
  std::atomic_ref(ring()->tail).store(++tail_, std::memory_order_release);
}

}  // namespace colibri
