#include "colibri/hook/thread_data.h"

#include <atomic>
#include <cstdint>

#include "colibri/hook/object_kind.h"
#include "colibri/hook/own_code.h"

namespace colibri {
namespace {

constinit std::atomic<bool> is_given_to_coroutines{false};

struct Search {
  std::uintptr_t address;
  bool found = false;
};

int look_into(dl_phdr_info* object, std::size_t /*size*/, void* given) noexcept {
  // Null where this thread has not used the object's block yet, and nothing can lie in it.
  if (object->dlpi_tls_data == nullptr || thread_data_is_of_coroutines(*object)) return 0;
  auto& search = *static_cast<Search*>(given);
  const auto begin = reinterpret_cast<std::uintptr_t>(object->dlpi_tls_data);
  search.found = search.address - begin < thread_data_image(*object).size;
  return search.found ? 1 : 0;
}

}  // namespace

ThreadDataImage thread_data_image(const dl_phdr_info& object) noexcept {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    if (segment.p_type != PT_TLS) continue;
    return {reinterpret_cast<const char*>(object.dlpi_addr + segment.p_vaddr), segment.p_filesz,
            segment.p_memsz};
  }
  return {};
}

void give_thread_data_to_coroutines() noexcept {
  is_given_to_coroutines.store(true);
}

bool thread_data_is_of_coroutines(const dl_phdr_info& object) noexcept {
  if (!is_given_to_coroutines.load(std::memory_order_relaxed)) return false;
  if (thread_data_image(object).size == 0) return false;
  // The headers lie in the object.
  const ObjectKind kind = kind_of_object(object.dlpi_phdr);
  return (kind == ObjectKind::kExecutable || kind == ObjectKind::kLibrary) &&
         !is_colibris_own(object.dlpi_phdr);
}

bool lies_in_thread_data(const void* address) noexcept {
  Search search{reinterpret_cast<std::uintptr_t>(address)};
  dl_iterate_phdr(&look_into, &search);
  return search.found;
}

}  // namespace colibri
