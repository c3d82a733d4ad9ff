#include "colibri/hook/own_code.h"

#include <dlfcn.h>
#include <link.h>

#include <atomic>
#include <cstdint>

namespace colibri {
namespace {

/// Where the library lies. Nowhere as long as nobody has asked, and if colibri is no library.
constinit std::atomic<std::uintptr_t> begin{0};
constinit std::atomic<std::uintptr_t> size{0};

/// At start: others ask at every call.
[[gnu::constructor]] void find_library() noexcept {
  dl_find_object own{};
  if (_dl_find_object(reinterpret_cast<void*>(&is_colibris_own), &own) != 0) return;
  if (own.dlfo_link_map->l_name[0] == '\0') return;  // the executable has no name
  begin.store(reinterpret_cast<std::uintptr_t>(own.dlfo_map_start));
  size.store(reinterpret_cast<std::uintptr_t>(own.dlfo_map_end) - begin.load());
}

}  // namespace

bool is_colibris_own(const void* address) noexcept {
  const std::uintptr_t distance =
      reinterpret_cast<std::uintptr_t>(address) - begin.load(std::memory_order_relaxed);
  return distance < size.load(std::memory_order_relaxed);
}

}  // namespace colibri
