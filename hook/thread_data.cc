#include "colibri/hook/thread_data.h"

#include <link.h>

#include <cstdint>

namespace colibri {
namespace {

struct Search {
  std::uintptr_t address;
  bool found = false;
};

/// Size of the object's block of thread-local storage.
std::size_t bytes_of_thread_data(const dl_phdr_info& object) noexcept {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    if (object.dlpi_phdr[i].p_type == PT_TLS) return object.dlpi_phdr[i].p_memsz;
  }
  return 0;
}

int look_into(dl_phdr_info* object, std::size_t /*size*/, void* given) noexcept {
  // Null where this thread has not used the object's block yet, and nothing can lie in it.
  if (object->dlpi_tls_data == nullptr) return 0;
  auto& search = *static_cast<Search*>(given);
  const auto begin = reinterpret_cast<std::uintptr_t>(object->dlpi_tls_data);
  search.found = search.address - begin < bytes_of_thread_data(*object);
  return search.found ? 1 : 0;
}

}  // namespace

bool lies_in_thread_data(const void* address) noexcept {
  Search search{reinterpret_cast<std::uintptr_t>(address)};
  dl_iterate_phdr(&look_into, &search);
  return search.found;
}

}  // namespace colibri
