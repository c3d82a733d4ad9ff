// Private stacks: address space reserved in slabs, touched lazily, guarded at the low end, and
// pooled by size. A coroutine's control block lies at the top of its own stack, so that spawning
// takes memory from one place only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colibri {

/// Address space of a stack when nobody asks for another size. Only pages in use take memory.
inline constexpr std::size_t kDefaultStackBytes = 256 * 1024;
/// A signal frame alone can take 11 KiB (AVX-512 and AMX state), so nothing smaller is offered.
inline constexpr std::size_t kSmallestStackBytes = 16 * 1024;
inline constexpr std::size_t kLargestStackBytes = 64 * 1024 * 1024;

/// One stack. The struct itself lies at the stack's high end, above everything the coroutine uses,
/// and lives as long as the slab.
struct PrivateStack {
  PrivateStack* next_free = nullptr;
  std::byte* low = nullptr;  // lowest usable byte; the guard lies below
  std::uint32_t size_class = 0;

  /// Where the stack begins to grow down from: this struct's own address, a multiple of 64.
  void* top() noexcept { return this; }
  std::size_t usable_bytes() const noexcept {
    return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(this) - low);
  }
};

/// How the low end of stacks is protected.
enum class GuardKind : std::uint8_t {
  kMarkers,   // MADV_GUARD_INSTALL (Linux 6.13 and later): no mapping of its own
  kMprotect,  // a mapping a guard
  kNone,      // the kernel's limit of mappings is used up
};

/// The stacks of one thread. Not thread-safe: a stack returns to the pool it came from, on the
/// thread it came from.
class StackPool {
 public:
  StackPool() noexcept = default;
  /// Unmaps everything. Stacks still in use keep their slabs: what runs on them may be abandoned,
  /// but pointers into it stay valid.
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  /// Takes a stack with room for at least `bytes` (rounded up to a power of two). Constant time
  /// once the pool is warm. Throws std::system_error when no memory can be had (the message names
  /// the limit) and std::invalid_argument for a size outside kSmallestStackBytes to
  /// kLargestStackBytes; the pool stays as it was.
  PrivateStack* acquire(std::size_t bytes) {
    // A power of two that is pooled is what nearly every call wants.
    const std::uint32_t size_class = size_class_of(bytes);
    if (size_class < kClasses) [[likely]] {
      if (PrivateStack* stack = free_[size_class]; stack != nullptr) [[likely]] {
        free_[size_class] = stack->next_free;
        ++in_use_;
        return stack;
      }
    }
    return acquire_new(bytes);
  }

  /// Gives a stack back. The caller may still be running on it, as long as nothing is acquired
  /// before it has left.
  void release(PrivateStack* stack) noexcept {
    stack->next_free = free_[stack->size_class];
    free_[stack->size_class] = stack;
    --in_use_;
  }

  /// A stack that is lost for good: its flow never ends. Its slab stays mapped for ever.
  void abandon() noexcept { ++abandoned_; }

  /// Returns the memory of free stacks to the system, but for their topmost pages. Their address
  /// space stays reserved.
  void trim_now() noexcept;

  /// Stacks taken and not yet given back.
  std::size_t in_use() const noexcept { return in_use_; }
  /// Stacks ever made.
  std::size_t made() const noexcept { return made_; }

 private:
  static constexpr std::uint32_t kClasses = 13;  // 16 KiB << 0 … 16 KiB << 12

  struct Slab {
    std::byte* base = nullptr;
    std::size_t bytes = 0;
    std::size_t next_offset = 0;
    GuardKind guard = GuardKind::kMarkers;
  };

  static std::uint32_t size_class_of(std::size_t bytes) noexcept {
    if (bytes <= kSmallestStackBytes) return bytes == kSmallestStackBytes ? 0 : kClasses;
    return static_cast<std::uint32_t>(64 - __builtin_clzll(bytes - 1)) - 14;
  }

  PrivateStack* acquire_new(std::size_t bytes);
  PrivateStack* carve(std::uint32_t size_class);
  void add_slab(std::uint32_t size_class);
  static bool protect(Slab& slab, std::byte* low, std::size_t bytes) noexcept;

  PrivateStack* free_[kClasses] = {};
  std::size_t in_use_ = 0;
  std::size_t made_ = 0;
  std::size_t abandoned_ = 0;
  std::uint32_t made_in_class_[kClasses] = {};
  std::vector<Slab> slabs_[kClasses];
};

/// The calling thread's pool.
StackPool& thread_stack_pool() noexcept;

}  // namespace colibri
