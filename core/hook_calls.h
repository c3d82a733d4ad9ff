// Counts of hooked calls by the names that programs call. hook/ counts, schedulers that are
// measured have the room, and inspection reads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <string_view>

#include "colibri/core/figure.h"

namespace colibri {

/// Calls of one hook in the coroutines of one scheduler.
struct HookFigures {
  Figure calls;
  Figure parked;  // of those: how many had their coroutine parked
};

/// Room for a count of each hook there is.
inline constexpr std::size_t kMostHooks = 384;

/// Of one scheduler, by the hook's place in the list of names. Its thread writes, any reads.
using HookCounts = std::array<HookFigures, kMostHooks>;

/// The list of names. Empty in programs without the hooks.
class HookNames {
 public:
  /// At start; of at most kMostHooks, which live for ever.
  static void set(std::span<const std::string_view> names) noexcept {
    first_ = names.data();
    count_.store(names.size(), std::memory_order_release);
  }
  /// Any thread.
  static std::span<const std::string_view> all() noexcept {
    const std::size_t count = count_.load(std::memory_order_acquire);
    return {first_, count};
  }

 private:
  inline static constinit const std::string_view* first_ = nullptr;
  inline static constinit std::atomic<std::size_t> count_{0};
};

}  // namespace colibri
