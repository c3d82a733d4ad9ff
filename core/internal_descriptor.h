// Descriptors that colibri holds for itself, kept out of the program's way: they lie at the top of
// the number range, look closed to the program, and move when the program claims their number.
#pragma once

#include <atomic>

namespace colibri {

bool is_internal_descriptor(int descriptor) noexcept;
int next_internal_descriptor(int from) noexcept;
void yield_descriptor_number(int descriptor) noexcept;

/// Owns one internal descriptor. Made and destroyed by one thread; number() from any thread.
class InternalDescriptor {
 public:
  InternalDescriptor() noexcept = default;
  ~InternalDescriptor() { reset(); }
  InternalDescriptor(const InternalDescriptor&) = delete;
  InternalDescriptor& operator=(const InternalDescriptor&) = delete;

  /// Takes over `descriptor` (moved upwards, close-on-exec) and closes what was held before.
  /// Throws std::system_error if `descriptor` is negative (errno says why); errors in moving leave
  /// it where it is.
  void adopt(int descriptor, const char* what);
  /// Closes it, unless the program did so behind our back and the number is somebody else's by now.
  void reset() noexcept;
  /// The number at this moment; -1 if there is none. It can change when the program claims it.
  int number() const noexcept { return number_.load(std::memory_order_acquire); }

 private:
  friend bool is_internal_descriptor(int descriptor) noexcept;
  friend int next_internal_descriptor(int from) noexcept;
  friend void yield_descriptor_number(int descriptor) noexcept;
  bool forget() noexcept;

  std::atomic<int> number_{-1};
  bool marked_ = false;                 // its description bears our mark
  InternalDescriptor* next_ = nullptr;  // in the list of all
};

/// True if `descriptor` is one of ours: close, fcntl and their like then answer EBADF. Any thread;
/// one load for numbers below all of ours.
bool is_internal_descriptor(int descriptor) noexcept;

/// The smallest of ours from `from` on; INT_MAX if there is none. Any thread.
int next_internal_descriptor(int from) noexcept;

/// The program is about to make `descriptor` its own (dup2, dup3): if it is ours, moves ours to
/// another number. Any thread.
void yield_descriptor_number(int descriptor) noexcept;

/// Keeps the list of all from changing, over a fork.
void lock_internal_descriptors() noexcept;
void unlock_internal_descriptors() noexcept;

}  // namespace colibri
