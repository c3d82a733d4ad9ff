#include "colibri/hook/calling_object.h"

#include <dlfcn.h>
#include <link.h>

#include <string_view>

#include "colibri/core/libc.h"
#include "colibri/hook/blocking_call.h"

namespace colibri {
namespace {

/// How the file names of such libraries begin.
constexpr std::string_view kNeverPark[] = {"libjemalloc", "libtcmalloc", "libmimalloc",
                                           "libasan",     "libtsan",     "libubsan",
                                           "liblsan",     "libunwind",   "libgcc_s"};

/// Where the library lies that malloc comes from; null: it is libc or the executable.
constinit const void* allocator_start = nullptr;

bool find_object(const void* address, dl_find_object& object) noexcept {
  // Lock-free, unlike dladdr.
  return _dl_find_object(const_cast<void*>(address), &object) == 0;
}

bool names_one_that_never_parks(std::string_view path) noexcept {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  for (const std::string_view name : kNeverPark) {
    if (file.starts_with(name)) return true;
  }
  return false;
}

/// At start: asks the loader, which nobody may do while he waits for a lock.
[[gnu::constructor]] void find_allocator() noexcept {
  real::syscall.find();
  dl_find_object allocator{};
  dl_find_object libc{};
  if (!find_object(dlsym(RTLD_DEFAULT, "malloc"), allocator)) return;
  if (!find_object(reinterpret_cast<const void*>(real::syscall.get()), libc)) return;
  const bool in_executable = allocator.dlfo_link_map->l_name[0] == '\0';
  if (in_executable || allocator.dlfo_map_start == libc.dlfo_map_start) return;
  allocator_start = allocator.dlfo_map_start;
}

}  // namespace

bool may_park_caller(const void* address) noexcept {
  if (parkable_coroutine() == nullptr) return false;
  dl_find_object object{};
  if (!find_object(address, object)) return true;
  if (object.dlfo_map_start == allocator_start) return false;
  return !names_one_that_never_parks(object.dlfo_link_map->l_name);
}

}  // namespace colibri
