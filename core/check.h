// Assertions that explain themselves. A failed check prints one sentence (what was called, what
// is wrong, what to do) to standard error and aborts; it allocates nothing and takes no lock, so
// that it works on any stack and in any state.
#pragma once

#include <initializer_list>
#include <string_view>

namespace colibri {

/// Prints "colibri: " and the parts as one line, then aborts. Any thread, any coroutine.
[[noreturn]] void fail_with(std::initializer_list<std::string_view> parts) noexcept;

template <class... Parts>
[[noreturn]] void fail(Parts... parts) noexcept {
  fail_with({std::string_view(parts)...});
}

/// Aborts with `sentence` unless `condition` holds. Active in every build.
inline void check(bool condition, std::string_view sentence) noexcept {
  if (!condition) [[unlikely]]
    fail_with({sentence});
}

}  // namespace colibri
