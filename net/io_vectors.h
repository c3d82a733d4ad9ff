// Several buffers in one call.
#pragma once

#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace colibri::net_detail {

inline std::size_t total_size(std::span<const iovec> buffers) noexcept {
  std::size_t total = 0;
  for (const iovec& each : buffers) total += each.iov_len;
  return total;
}

/// What is still to be sent of some buffers, which stay as they are.
class RemainingVectors {
 public:
  static constexpr std::size_t kAtOnce = 16;

  explicit RemainingVectors(std::span<const iovec> buffers) noexcept : buffers_(buffers) {
    skip_empty();
  }

  bool empty() const noexcept { return buffers_.empty(); }

  /// The next of them, as a message that refers to `room`.
  msghdr next(std::array<iovec, kAtOnce>& room) const noexcept {
    const std::size_t count = std::min(buffers_.size(), kAtOnce);
    std::copy_n(buffers_.begin(), count, room.begin());
    room[0].iov_base = static_cast<char*>(room[0].iov_base) + done_;
    room[0].iov_len -= done_;
    msghdr message{};
    message.msg_iov = room.data();
    message.msg_iovlen = count;
    return message;
  }

  /// So many bytes more have been sent.
  void advance(std::size_t sent) noexcept {
    done_ += sent;
    skip_empty();
  }

 private:
  void skip_empty() noexcept {
    while (!buffers_.empty() && done_ >= buffers_.front().iov_len) {
      done_ -= buffers_.front().iov_len;
      buffers_ = buffers_.subspan(1);
    }
  }

  std::span<const iovec> buffers_;
  std::size_t done_ = 0;  // of the first
};

}  // namespace colibri::net_detail
