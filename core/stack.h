// Private stacks: address space reserved in slabs, touched lazily, guarded at the low end, and
// pooled by size. A coroutine's control block lies at the top of its own stack, so that spawning
// takes memory from one place only.
//
// A stack that was given back is kept and handed out again, the last one first. What a second of
// work did not need is given back to the system half by half (trim_idle), or all at once
// (trim_now). That costs taking and giving nothing: each trim_idle puts the list of free stacks
// aside, as a generation, and starts an empty one, which older generations refill one stack at a
// time. What lies in a generation at the next trim_idle was not needed in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "colibri/core/stack_slab.h"

namespace colibri {

/// Address space of a stack when nobody asks for another size. Only pages in use take memory.
inline constexpr std::size_t kDefaultStackBytes = 256 * 1024;
inline constexpr std::size_t kLargestStackBytes = stack_bytes_of_class(kStackSizeClasses - 1);

/// The smallest stack that is made: of kSmallestStackBytes, or more where the processor has so many
/// registers that the frame of a signal handler needs it (four frames fit). Who asks for less gets
/// this much.
std::size_t smallest_stack_bytes() noexcept;

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

  /// Takes a stack with at least `bytes` (rounded up to a power of two) of its own besides the room
  /// for a control block. Constant time once the pool is warm. Throws std::system_error when no
  /// memory can be had (the message names the limit) and std::invalid_argument for a size outside
  /// kSmallestStackBytes to kLargestStackBytes; the pool stays as it was.
  PrivateStack* acquire(std::size_t bytes) {
    // A power of two that is pooled is what nearly every call wants.
    const std::uint32_t size_class = size_class_of(bytes);
    if (size_class < kStackSizeClasses) [[likely]] {
      Free& free = free_[size_class];
      if (PrivateStack* stack = free.first; stack != nullptr) [[likely]] {
        free.first = stack->next_free;
        ++free.in_use;
        return stack;
      }
    }
    return acquire_cold(bytes);
  }

  /// Gives a stack back. The caller may still be running on it, as long as nothing is acquired or
  /// trimmed before it has left.
  void release(PrivateStack* stack) noexcept {
    Free& free = free_[stack->size_class];
    stack->next_free = free.first;
    free.first = stack;
    --free.in_use;
  }

  /// A stack that is lost for good: its flow never ends. Its slab stays mapped for ever.
  void abandon() noexcept { ++abandoned_; }

  /// Begins a pass, as the scheduler does each second: half of the stacks that were free ever since
  /// the last pass (all, when they are few) shall go back to the system. Constant time.
  void begin_trim() noexcept;

  /// Returns a bounded number of those, so that nobody has to wait for long. True if the pass is
  /// not complete. Costs what the system takes for some hundreds of stacks.
  bool trim_some() noexcept;

  /// Returns the memory of all free stacks to the system, and address space that no stack in use
  /// needs.
  void trim_now() noexcept;

  /// Whether there is anything to trim.
  bool has_free() const noexcept { return made_ - idle_ != in_use(); }

  /// The stack in whose guard `address` lies; null when it lies elsewhere.
  PrivateStack* owner_of_guard(const void* address) const noexcept;
  /// The same for all of a stack, its guard included.
  PrivateStack* owner_of(const void* address) const noexcept;

  /// A place between the stacks of a pool, for those who go through them with pauses.
  struct Position {
    std::uint32_t size_class = 0;
    std::size_t slab = 0;
    std::size_t index = 0;
  };
  /// The first stack behind `position`, which moves on behind it, that is in use or kept for the
  /// next; null if there is none. Those that come meanwhile may be left out.
  PrivateStack* next_made(Position& position) const noexcept;

  /// Stacks taken and not yet given back.
  std::size_t in_use() const noexcept {
    std::size_t sum = 0;
    for (const Free& free : free_) sum += free.in_use;
    return sum;
  }
  /// Stacks kept for the next ones, whose memory has not been given back.
  std::size_t free_count() const noexcept { return made_ - idle_ - in_use(); }
  /// Stacks ever made or made anew.
  std::size_t made() const noexcept { return made_; }

 private:
  /// What taking and giving touch.
  struct Free {
    PrivateStack* first = nullptr;
    std::size_t in_use = 0;
  };

  /// A list of stacks that have been free since some begin_trim.
  struct Generation {
    PrivateStack* first;
    std::size_t count;
  };

  /// The rest of what belongs to one size.
  struct Shelf {
    std::vector<std::unique_ptr<StackSlab>> slabs;  // null: unmapped; the place is used again
    std::vector<Generation> generations;            // the oldest first; never empty ones
    std::size_t made = 0;                           // stacks that are in use or free
    std::size_t resting = 0;                        // stacks in generations
    std::size_t to_trim = 0;     // of those: how many this pass still has to return
    std::size_t first_slab = 0;  // no slab before this one has room
  };

  static std::uint32_t size_class_of(std::size_t bytes) noexcept {
    if (bytes <= kSmallestStackBytes) return bytes == kSmallestStackBytes ? 0 : kStackSizeClasses;
    return static_cast<std::uint32_t>(64 - __builtin_clzll(bytes - 1)) - 14;
  }

  PrivateStack* acquire_cold(std::size_t bytes);
  PrivateStack* take_resting(Shelf& shelf) noexcept;
  StackSlab& slab_with_room(std::uint32_t size_class);
  StackSlab& add_slab(std::uint32_t size_class);
  void put_aside(std::uint32_t size_class) noexcept;
  std::size_t trim_oldest(Shelf& shelf, std::size_t count) noexcept;
  void set_idle(Shelf& shelf, Generation& generation, std::size_t count) noexcept;
  void give_back(Shelf& shelf) noexcept;

  Free free_[kStackSizeClasses];
  std::size_t made_ = 0;
  std::size_t idle_ = 0;  // of those made: how many were given back since
  std::size_t abandoned_ = 0;
  Shelf shelves_[kStackSizeClasses];
};

/// The calling thread's pool.
StackPool& thread_stack_pool() noexcept;

}  // namespace colibri
