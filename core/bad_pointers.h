// What a call of libc was given, for those who want to know why it failed with EFAULT: in the check
// mode of shared stacks (checked_stacks.h) the kernel cannot reach the stack of a parked coroutine,
// and only says so much.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <type_traits>

namespace colibri {

/// The pointers among the arguments of one call.
struct BadPointers {
  const void* pointers[6] = {};
  std::size_t count = 0;
  const iovec* vector = nullptr;  // the call's, or null; its entries point to more
  std::size_t vector_size = 0;
  const msghdr* message = nullptr;  // likewise

  template <class Argument>
  void note(Argument argument) noexcept {
    if constexpr (std::is_pointer_v<Argument> &&
                  !std::is_function_v<std::remove_pointer_t<Argument>>) {
      if (count < 6) pointers[count++] = argument;
      using Target = std::remove_cv_t<std::remove_pointer_t<Argument>>;
      if constexpr (std::is_same_v<Target, iovec>) vector = argument;
      if constexpr (std::is_same_v<Target, msghdr>) message = argument;
    } else if constexpr (std::is_integral_v<Argument>) {
      // The count follows its array.
      if (vector != nullptr && vector_size == 0) vector_size = static_cast<std::size_t>(argument);
    }
  }
};

/// Called after each call of `real::` that failed with EFAULT; null, as nearly always: nobody asks.
inline constinit std::atomic<void (*)(const BadPointers&) noexcept> bad_pointer_examiner{nullptr};

/// Asks, for a call with these arguments. errno is kept.
template <class... Arguments>
[[gnu::noinline, gnu::cold]] void examine_bad_pointers(Arguments... arguments) noexcept {
  auto* examiner = bad_pointer_examiner.load(std::memory_order_relaxed);
  if (examiner == nullptr) return;
  BadPointers bad;
  (bad.note(arguments), ...);
  examiner(bad);
}

}  // namespace colibri
