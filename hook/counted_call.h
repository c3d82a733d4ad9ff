// Hooks that are counted by name while their scheduler is measured, and that end threads which are
// coroutines and have been cancelled. Otherwise they pay a test for each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "colibri/core/hook_calls.h"
#include "colibri/core/thread_state.h"
#include "colibri/hook/hooked_names.h"
#include "colibri/hook/threads/cancellation.h"

namespace colibri {

static_assert(std::size(hook::kHookedNames) <= kMostHooks);

/// One of the hooked names, as a parameter of a template. No other compiles.
struct HookName {
  // NOLINTNEXTLINE(google-explicit-constructor): counted<"read">
  consteval HookName(const char* name)
      : place(static_cast<std::size_t>(
            std::ranges::lower_bound(hook::kHookedNames, std::string_view(name)) -
            std::begin(hook::kHookedNames))) {
    if (place == std::size(hook::kHookedNames) || hook::kHookedNames[place] != name) {
      throw "no hook has this name";
    }
  }

  std::size_t place;  // in kHookedNames
};

/// Counts one call of the running coroutine, from here to the end of the scope.
class CountedCall {
 public:
  explicit CountedCall(std::size_t place) noexcept
      : place_(place), had_parked_(thread_state.current->has_parked) {
    (*thread_state.hook_counts)[place_].calls.add();
    thread_state.current->has_parked = false;
  }
  ~CountedCall() {
    const ControlBlock& coroutine = *thread_state.current;
    // A child of a fork may have lost what its parent counted in.
    if (coroutine.has_parked && thread_state.hook_counts != nullptr) {
      (*thread_state.hook_counts)[place_].parked.add();
    }
    // Of a hook within a hook, both have parked.
    coroutine.has_parked = coroutine.has_parked || had_parked_;
  }
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;

 private:
  const std::size_t place_;
  const bool had_parked_;
};

/// Out of the way of those who do not count.
template <class Body, class... Arguments>
[[gnu::noinline, gnu::cold]] auto count_call(std::size_t place, Body body, Arguments... arguments) {
  const CountedCall call(place);
  return body(arguments...);
}

/// The same for a cancellation point, of a hook that `caller` has called, in programs whose threads
/// are coroutines.
template <HookName kName, class Body, class... Arguments>
[[gnu::noinline, gnu::cold]] auto call_cancelable(const void* caller, Body body,
                                                  Arguments... arguments) {
  EmulatedThread* const thread = begin_cancellation_point(caller);
  const auto result = thread_state.hook_counts != nullptr && thread_state.current != nullptr
                          ? count_call(kName.place, body, arguments...)
                          : body(arguments...);
  if (thread != nullptr) {
    constexpr bool kSaysError = returns_its_error(hook::kHookedNames[kName.place]);
    end_cancellation_point(*thread, kSaysError ? result != 0 : static_cast<long>(result) < 0);
  }
  return result;
}

/// `body(arguments...)`, which is a hook's work in a coroutine; counted, if somebody wants to know,
/// and a cancellation point, if POSIX says so. For the outermost function: what it calls may be a
/// hook of another name.
template <HookName kName, class Body, class... Arguments>
[[gnu::always_inline]] inline auto counted(Body body, Arguments... arguments) {
  if constexpr (is_cancellation_point(hook::kHookedNames[kName.place])) {
    if (threads_can_be_cancelled.load(std::memory_order_relaxed)) [[unlikely]]
      return call_cancelable<kName>(__builtin_return_address(0), body, arguments...);
  }
  if (thread_state.hook_counts != nullptr && thread_state.current != nullptr) [[unlikely]] {
    return count_call(kName.place, body, arguments...);
  }
  return body(arguments...);
}

}  // namespace colibri
