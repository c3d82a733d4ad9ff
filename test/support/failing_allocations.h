// Allocation failure on demand: operator new and colibri's own mappings, counted and made to fail.
//
// For programs that link it with -Wl,--wrap=mmap,--wrap=munmap.
#pragma once

#include <cstddef>

namespace colibri::test {

/// A scope in which one allocation of the calling thread fails, or a few in a row. Allocations are
/// calls of operator new (std::bad_alloc) and of mmap (ENOMEM). One at a time on a thread.
class [[nodiscard]] FailingAllocations {
 public:
  /// Lets `successes` allocations pass, and fails the `failures` that follow.
  explicit FailingAllocations(std::size_t successes, std::size_t failures = 1) noexcept;
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;

  /// Whether any has failed yet.
  bool has_failed() const noexcept;
};

/// What operator new gave and operator delete did not get back, in the whole process.
long pieces_in_use() noexcept;
/// What mmap gave and munmap did not get back, in the whole process.
long mapped_bytes() noexcept;

}  // namespace colibri::test
