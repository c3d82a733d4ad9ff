// libunwind, kept from holding descriptors.
//
// Left to itself, libunwind reads a stack only after it has written the bytes in question to a pipe
// of its own. It opens that pipe at its first use, on the lowest numbers that are free, and goes on
// using the numbers after the program has closed them or given them another meaning: bytes would
// get into a stranger's socket. Here the kernel copies the words instead, which finds out as well
// whether they can be read, and the pipe comes to life where it cannot be met.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colibri {

/// To be called before libunwind is used; does its work once in a process. Any thread, any
/// coroutine; from a signal handler only if it has returned once before. Other users of the same
/// library in the process come to read memory in this way, too.
void prepare_unwinder() noexcept;

/// While it lives, libunwind on this thread reads the `size` bytes that belong at `address` from
/// `copy`: a stack can be walked that is gone, or goes on changing, or whose place another one has.
/// One at a time a thread.
class [[nodiscard]] MovedStack {
 public:
  MovedStack(std::uintptr_t address, std::size_t size, const std::byte* copy) noexcept;
  ~MovedStack();
  MovedStack(const MovedStack&) = delete;
  MovedStack& operator=(const MovedStack&) = delete;
};

}  // namespace colibri
