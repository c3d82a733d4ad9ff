#include "colibri/hook/threads/variable_destructors.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <new>
#include <utility>

namespace colibri {

/// One that is to be called. In malloc's memory.
struct VariableDestructor {
  VariableDestructor* next;
  void (*destroy)(void*);
  void* object;
  void* library;  // a reference to it, of dlopen; null: the executable, which stays
};

namespace {

/// As long as destructors of a library's are to be called, it must not be unloaded.
void* hold_library(void* address) noexcept {
  dl_find_object found{};
  if (_dl_find_object(address, &found) != 0 || *found.dlfo_link_map->l_name == '\0') return nullptr;
  return dlopen(found.dlfo_link_map->l_name, RTLD_LAZY | RTLD_NOLOAD);
}

}  // namespace

bool add_variable_destructor(EmulatedThread& thread, void (*destroy)(void*), void* object,
                             void* library) noexcept {
  void* memory = std::malloc(sizeof(VariableDestructor));
  if (memory == nullptr) return false;
  thread.destructors =
      ::new (memory) VariableDestructor{thread.destructors, destroy, object, hold_library(library)};
  return true;
}

void run_variable_destructors(EmulatedThread& thread) noexcept {
  while (thread.destructors != nullptr) {
    VariableDestructor* const last = thread.destructors;
    thread.destructors = last->next;
    last->destroy(last->object);
    if (last->library != nullptr) dlclose(last->library);
    std::free(last);
  }
}

}  // namespace colibri
