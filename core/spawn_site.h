// Where coroutines come from: the place in the source that spawned them, and their name.
#pragma once

#include <cstdint>

namespace colibri {

/// Where in the source a coroutine was spawned. Refers to strings in the program's image.
struct SpawnSite {
  const char* file = "";
  std::uint32_t line = 0;

  /// The place of the call (when used as a default argument: of the caller's call).
  static constexpr SpawnSite here(const char* file = __builtin_FILE(),
                                  std::uint32_t line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

/// What all coroutines spawned at one place under one name have in common.
struct Origin {
  SpawnSite site;
  const char* name = "";
};

/// Names an origin in two bytes, so that a million parked coroutines can afford to know theirs.
using OriginIndex = std::uint16_t;

/// The index of this origin, the same for the life of the process. The strings must live as long.
/// Index 0, an empty origin, once some sixty thousand are in use. Any thread; takes no memory and
/// no lock but for the first call of a kind.
OriginIndex intern_origin(const SpawnSite& site, const char* name) noexcept;

/// The same for a thread's usual case, that the same place spawns again.
inline OriginIndex intern_origin_again(const SpawnSite& site, const char* name) noexcept {
  struct Last {
    Origin origin;
    OriginIndex index;
  };
  static constinit thread_local Last last{};
  if (site.file != last.origin.site.file || site.line != last.origin.site.line ||
      name != last.origin.name) [[unlikely]] {
    last = {{site, name}, intern_origin(site, name)};
  }
  return last.index;
}

/// The origin behind an index that intern_origin gave. Any thread.
Origin origin_of(OriginIndex index) noexcept;

}  // namespace colibri
