#include "colibri/core/libc.h"

#include <dlfcn.h>

#include <cstring>

#include "colibri/core/check.h"

namespace colibri {

void* find_real_function(const char* name) noexcept {
  if (void* function = dlsym(RTLD_NEXT, name)) return function;
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
