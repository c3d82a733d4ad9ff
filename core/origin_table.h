// The table behind the indices of origins; see spawn_site.h. For spawn_site.cc, and for debuggers.
#pragma once

#include <atomic>
#include <cstdint>

namespace colibri {

/// Published by `file`, which is written last; free while that is null.
struct OriginEntry {
  std::atomic<const char*> file{nullptr};
  const char* name = nullptr;
  std::uint32_t line = 0;
};

inline constexpr std::uint32_t kOriginEntries = 65536;

/// By index. Nothing ever moves in it, or goes.
extern constinit OriginEntry origin_entries[kOriginEntries];

}  // namespace colibri
