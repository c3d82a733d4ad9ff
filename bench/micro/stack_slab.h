// Stacks for the bare contexts of the benchmarks: one mapping, nothing returned before the end.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <system_error>

namespace colibri::bench {

inline constexpr std::size_t kStackSize = 64 * 1024;

// Whether the tops of neighbouring stacks fall on the same cache sets (as with any allocator of
// equal blocks) or are spread over them by an offset of some cache lines.
enum class StackTops { kAligned, kColoured };

// Owns `count` stacks of kStackSize bytes. Not copyable; throws std::system_error when the kernel
// refuses the mapping.
class StackSlab {
 public:
  StackSlab(std::size_t count, StackTops tops) : size_(count * kStackSize), tops_(tops) {
    base_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  }
  ~StackSlab() { ::munmap(base_, size_); }
  StackSlab(const StackSlab&) = delete;
  StackSlab& operator=(const StackSlab&) = delete;

  // The highest address of stack `index`, where a context starts, aligned to a cache line.
  void* top(std::size_t index) const noexcept {
    const std::size_t offset = tops_ == StackTops::kColoured ? index % kColours * kCacheLine : 0;
    return static_cast<std::byte*>(base_) + (index + 1) * kStackSize - offset;
  }

  // What is left below top(), whatever the colour.
  static constexpr std::size_t usable_size() noexcept { return kStackSize - kColours * kCacheLine; }

 private:
  static constexpr std::size_t kCacheLine = 64;
  // As many as keep a small frame within the topmost page.
  static constexpr std::size_t kColours = 48;

  std::size_t size_;
  StackTops tops_;
  void* base_;
};

}  // namespace colibri::bench
