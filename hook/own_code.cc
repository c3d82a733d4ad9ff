#include "colibri/hook/own_code.h"

#include <dlfcn.h>
#include <link.h>

namespace colibri {

bool is_colibris_own(const void* address) noexcept {
  dl_find_object own{};
  dl_find_object others{};
  if (_dl_find_object(reinterpret_cast<void*>(&is_colibris_own), &own) != 0) return false;
  if (_dl_find_object(const_cast<void*>(address), &others) != 0) return false;
  // The executable has no name.
  return own.dlfo_map_start == others.dlfo_map_start && own.dlfo_link_map->l_name[0] != '\0';
}

}  // namespace colibri
