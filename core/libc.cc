#include "colibri/core/libc.h"

#include <dlfcn.h>

#include <cstring>

#include "colibri/core/check.h"

// The hooks', if they are linked: hook/next_definition.cc. In a shared library of their own they
// may come after core, and what comes next to core would then be they.
extern "C" [[gnu::weak]] void* colibri_next_definition(const char* name) noexcept;

namespace colibri {

void* find_real_function(const char* name) noexcept {
  if (void* function = colibri_next_definition != nullptr ? colibri_next_definition(name)
                                                          : dlsym(RTLD_NEXT, name)) {
    return function;
  }
  char alias[64] = "__";
  if (std::strlen(name) + 3 > sizeof alias) return nullptr;
  std::memcpy(alias + 2, name, std::strlen(name) + 1);
  return dlsym(RTLD_DEFAULT, alias);
}

void* require_real_function(const char* name) noexcept {
  void* function = find_real_function(name);
  if (function == nullptr) {
    fail("this libc has no function \"", name, "\"; colibri needs glibc 2.36 or newer");
  }
  return function;
}

}  // namespace colibri
