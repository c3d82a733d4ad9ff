// Arithmetic on arrays of buffers.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>

namespace colibri {

/// Where a transfer stands in an array of buffers. Never copies the array: after a part of a buffer
/// has gone, its rest goes alone, and then the remaining buffers go together.
class BufferCursor {
 public:
  BufferCursor(const iovec* buffers, std::size_t count) noexcept
      : buffers_(buffers), count_(count), first_(buffers), size_(count) {}

  /// The next buffers after `done` bytes in all: `size()` of them from `data()`.
  void seek(std::size_t done) noexcept {
    std::size_t index = 0;
    while (index < count_ && done >= buffers_[index].iov_len) done -= buffers_[index++].iov_len;
    if (done == 0) {
      first_ = buffers_ + index;
      size_ = count_ - index;
      return;
    }
    rest_ = {static_cast<char*>(buffers_[index].iov_base) + done, buffers_[index].iov_len - done};
    first_ = &rest_;
    size_ = 1;
  }
  const iovec* data() const noexcept { return first_; }
  std::size_t size() const noexcept { return size_; }

 private:
  const iovec* buffers_;
  std::size_t count_;
  const iovec* first_;
  std::size_t size_;
  iovec rest_{};
};

/// Bytes in all buffers together. They have been given to a call of the kernel's that succeeded:
/// before that they may be bad.
inline std::size_t total_bytes(const iovec* buffers, std::size_t count) noexcept {
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; ++i) total += buffers[i].iov_len;
  return total;
}

/// A message of these buffers, without address and ancillary data. Refers to the array.
inline msghdr message_of(const iovec* buffers, std::size_t count) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(buffers);
  message.msg_iovlen = count;
  return message;
}

}  // namespace colibri
