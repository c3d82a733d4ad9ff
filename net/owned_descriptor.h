// OwnedDescriptor: who has it closes it.
#pragma once

#include <utility>

namespace colibri {

/// Owns a descriptor. Any thread; one at a time. Coroutines that wait for it when it is closed,
/// also those of other threads, are told so: their calls fail with bad_file_descriptor.
class OwnedDescriptor {
 public:
  /// Owns nothing.
  OwnedDescriptor() noexcept = default;
  /// Takes over `descriptor`; negative: owns nothing.
  explicit OwnedDescriptor(int descriptor) noexcept : number_(descriptor) {}
  OwnedDescriptor(OwnedDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~OwnedDescriptor() { close(); }

  bool is_open() const noexcept { return number_ >= 0; }
  /// -1 if it owns nothing.
  int number() const noexcept { return number_; }

  /// No effect if it owns nothing. Errors of the kernel's are none of the caller's: the descriptor
  /// is gone in any case.
  void close() noexcept;
  /// Hands the descriptor over, open, and known to no event loop any more.
  int release() noexcept;

 private:
  int number_ = -1;
};

}  // namespace colibri
