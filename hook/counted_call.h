// Hooks that are counted by name while their scheduler is measured, and otherwise pay one test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "colibri/core/hook_calls.h"
#include "colibri/core/thread_state.h"
#include "colibri/hook/hooked_names.h"

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

/// `body(arguments...)`, which is a hook's work in a coroutine; counted, if somebody wants to know.
/// For the outermost function: what it calls may be a hook of another name.
template <HookName kName, class Body, class... Arguments>
[[gnu::always_inline]] inline auto counted(Body body, Arguments... arguments) {
  if (thread_state.hook_counts != nullptr && thread_state.current != nullptr) [[unlikely]] {
    return count_call(kName.place, body, arguments...);
  }
  return body(arguments...);
}

}  // namespace colibri
