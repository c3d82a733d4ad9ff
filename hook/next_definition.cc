// What the hooked names mean to whoever is not to come to the hooks: the next definition behind
// them. core asks, which may be in another shared library than the hooks, before or after them.
#include <dlfcn.h>

extern "C" void* colibri_next_definition(const char* name) noexcept {
  void* definition = dlsym(RTLD_NEXT, name);
  // No tail call: dlsym takes the object that it returns to for the one that asks.
  asm volatile("" : : : "memory");
  return definition;
}
