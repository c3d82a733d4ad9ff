#include "colibri/hook/object_kind.h"

#include <dlfcn.h>
#include <link.h>

#include <string_view>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

/// How the file names of such libraries begin.
constexpr std::string_view kServants[] = {"libjemalloc", "libtcmalloc", "libmimalloc",
                                          "libasan",     "libtsan",     "libubsan",
                                          "liblsan",     "libunwind",   "libgcc_s"};
constexpr std::string_view kRuntimes[] = {"libc.so", "libpthread", "ld-linux", "libstdc++",
                                          "libc++"};

/// Where the library lies that malloc comes from; null: it is libc or the executable.
constinit const void* allocator_start = nullptr;
constinit bool allocator_is_executables = false;

bool find_object(const void* address, dl_find_object& object) noexcept {
  // Lock-free, unlike dladdr.
  return _dl_find_object(const_cast<void*>(address), &object) == 0;
}

template <std::size_t count>
bool begins_as_one_of(std::string_view file, const std::string_view (&names)[count]) noexcept {
  for (const std::string_view name : names) {
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
  allocator_is_executables = allocator.dlfo_link_map->l_name[0] == '\0';
  if (allocator_is_executables || allocator.dlfo_map_start == libc.dlfo_map_start) return;
  allocator_start = allocator.dlfo_map_start;
}

}  // namespace

bool executable_has_allocator() noexcept {
  return allocator_is_executables;
}

ObjectKind kind_of_object(const void* address) noexcept {
  dl_find_object object{};
  if (!find_object(address, object)) return ObjectKind::kExecutable;
  if (object.dlfo_map_start == allocator_start) return ObjectKind::kServant;
  const std::string_view path = object.dlfo_link_map->l_name;
  if (path.empty()) return ObjectKind::kExecutable;
  const std::string_view file = path.substr(path.rfind('/') + 1);
  if (begins_as_one_of(file, kServants)) return ObjectKind::kServant;
  return begins_as_one_of(file, kRuntimes) ? ObjectKind::kRuntime : ObjectKind::kLibrary;
}

}  // namespace colibri
