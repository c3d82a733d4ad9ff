// A piece of address space that is cut into stacks of one size.
//
//   slab:   | span | span | span | ...          one mapping; every span is laid out alike
//   span:   | guard | the bytes asked for | room |
//   room:                        ... control block | PrivateStack | colour |    (high end)
//
// A span is fresh (never used), made (its PrivateStack exists: in use, or kept by the pool), or
// idle (its memory is given back, and nothing but the guard is left):
//
//   fresh, idle ──take──▶ made ──set_idle──▶ idle
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "colibri/core/stack_guard.h"

namespace colibri {

/// One stack. The struct itself lies at the stack's high end, above everything the coroutine uses.
struct PrivateStack {
  PrivateStack* next_free = nullptr;
  std::byte* low = nullptr;  // lowest usable byte; the guard lies below
  std::uint32_t size_class = 0;
  std::uint32_t slab = 0;   // which one of its size
  bool was_shared = false;  // since it was made: there may be frames where a control block would be

  /// Where the stack begins to grow down from: this struct's own address, a multiple of 64.
  void* top() noexcept { return this; }
  /// At least what was asked for, with room for a control block besides.
  std::size_t usable_bytes() const noexcept {
    return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(this) - low);
  }
};

/// Sizes are powers of two, from kSmallestStackBytes on.
inline constexpr std::size_t kSmallestStackBytes = 16 * 1024;
inline constexpr std::uint32_t kStackSizeClasses = 13;
constexpr std::size_t stack_bytes_of_class(std::uint32_t size_class) noexcept {
  return kSmallestStackBytes << size_class;
}

/// Not thread-safe: one pool's own.
class StackSlab {
 public:
  /// Above the bytes that were asked for: the struct, the colour and the control block.
  static constexpr std::size_t kRoomBytes = 4096;
  /// Neighbouring stacks begin at different distances from a page boundary; otherwise the hot
  /// frames of all coroutines would compete for the same few sets of the processor's cache. As many
  /// as leave room for the usual frames in the topmost page.
  static constexpr std::size_t kColours = 24;
  static constexpr std::size_t kColourBytes = 64;

  /// Distance between two stacks.
  static constexpr std::size_t span_bytes(std::uint32_t size_class) noexcept {
    return kGuardBytes + stack_bytes_of_class(size_class) + kRoomBytes;
  }

  /// Reserves address space for `count` stacks; fewer, but one at least, where the system refuses
  /// so much. Throws std::system_error, which names the limit, when it refuses even that. The first
  /// stack has the colour `first_colour`.
  StackSlab(std::uint32_t size_class, std::uint32_t number, std::size_t count,
            std::size_t first_colour);
  /// Unmaps it all.
  ~StackSlab();
  StackSlab(const StackSlab&) = delete;
  StackSlab& operator=(const StackSlab&) = delete;

  /// An idle stack, the lowest first, or a fresh one. Null when all are made. Throws
  /// std::system_error when the guard of a fresh one cannot be had; nothing has changed then.
  PrivateStack* take();

  /// What is in `stack` is no longer needed, and the struct itself ends. Its memory is given back
  /// at the next give_back.
  void set_idle(PrivateStack& stack) noexcept;

  /// Gives the memory of all that became idle since the last call back to the system, one call for
  /// neighbours.
  void give_back() noexcept;

  /// The stack in whose guard `address` lies; null when it lies elsewhere, or when that stack is
  /// fresh or idle.
  PrivateStack* owner_of_guard(const void* address) const noexcept;
  /// The same for all of a stack, its guard included.
  PrivateStack* owner_of(const void* address) const noexcept;

  /// The first stack that is made, from number `index` on, which becomes that of the next. Null:
  /// there is none, and `index` is 0 again.
  PrivateStack* next_made(std::size_t& index) const noexcept;

  bool has_room() const noexcept { return idle_ != 0 || cut_ != count_; }
  /// No stack of it is made.
  bool is_unused() const noexcept { return idle_ == cut_; }
  /// Stacks that find a place.
  std::size_t capacity() const noexcept { return count_; }
  /// Address space.
  std::size_t bytes() const noexcept { return count_ * span_bytes(size_class_); }

 private:
  using Bits = std::vector<std::uint64_t>;

  std::byte* span(std::size_t index) const noexcept {
    return base_ + index * span_bytes(size_class_);
  }
  std::byte* place(std::size_t index) const noexcept;
  std::size_t take_idle() noexcept;
  PrivateStack* make(std::size_t index) noexcept;

  std::uint32_t size_class_;
  std::uint32_t number_;
  std::size_t count_;
  std::size_t first_colour_;
  std::size_t cut_ = 0;              // how many are not fresh, from the low end
  std::size_t idle_ = 0;             // how many are idle
  std::size_t first_idle_word_ = 0;  // no bit of idle_bits_ is set before this word
  std::size_t first_new_word_ = 0;   // the same for newly_idle_bits_
  std::byte* base_ = nullptr;
  std::size_t mprotect_guards_ = 0;
  GuardKind guard_ = preferred_guard_kind();
  Bits idle_bits_;
  Bits newly_idle_bits_;                 // not given back yet
  std::vector<unsigned> registrations_;  // of the stacks that were cut, where anybody wants to know
};

}  // namespace colibri
