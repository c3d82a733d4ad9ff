#include "colibri/core/identity.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "colibri/core/launch.h"

namespace colibri {

constinit std::atomic<bool> parents_are_noted{false};

void note_parents(bool on) noexcept {
  parents_are_noted.store(on, std::memory_order_relaxed);
}

void note_parent(ControlBlock& child) noexcept {
  if (thread_state.current == nullptr) return;
  CoroutineExtras* extras = extras_of(child);
  if (extras != nullptr) extras->parent = thread_state.current->id;
}

void set_name(ControlBlock& coroutine, std::string_view name) {
  CoroutineExtras* extras = extras_of(coroutine);
  auto* copy = static_cast<char*>(std::malloc(name.size() + 1));
  if (extras == nullptr || copy == nullptr) {
    std::free(copy);
    throw std::bad_alloc();
  }
  name.copy(copy, name.size());
  copy[name.size()] = '\0';
  std::free(std::exchange(extras->own_name, copy));
}

void set_name(std::string_view name) {
  if (thread_state.current != nullptr) set_name(*thread_state.current, name);
}

void forget_name(ControlBlock& coroutine) noexcept {
  if (coroutine.extras != nullptr) std::free(std::exchange(coroutine.extras->own_name, nullptr));
}

}  // namespace colibri
