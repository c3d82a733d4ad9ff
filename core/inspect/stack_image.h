// The bytes of a coroutine's stack, wherever they are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "colibri/core/control_block.h"

namespace colibri {

/// From a coroutine's stack pointer to the top of its stack; while it stands still.
class StackImage {
 public:
  /// Nothing for one that never ran on its shared stack, and in check mode for any on such a stack:
  /// what is parked there is out of reach. On the coroutine's own thread.
  static StackImage of(const ControlBlock& coroutine) noexcept;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// The instruction at which it goes on.
  std::uintptr_t instruction_pointer() const noexcept;
  /// The word so many bytes above the stack pointer, which must be below size().
  std::uintptr_t word_at(std::size_t offset) const noexcept;

 private:
  const std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace colibri
