#include "colibri/core/local.h"

#include <atomic>
#include <new>

#include "colibri/core/check.h"
#include "colibri/core/launch.h"

namespace colibri {
namespace {

/// A plain thread's values.
struct ThreadLocals {
  LocalValue* newest = nullptr;
  ~ThreadLocals() { destroy_locals(newest); }
};

/// Throws std::bad_alloc.
LocalValue*& running_locals() {
  static constinit thread_local ThreadLocals of_thread;
  ControlBlock* coroutine = thread_state.current;
  if (coroutine == nullptr) return of_thread.newest;
  CoroutineExtras* extras = extras_of(*coroutine);
  if (extras == nullptr) throw std::bad_alloc();
  return extras->locals;
}

}  // namespace

std::uint64_t new_local_key() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

LocalValue* find_local(std::uint64_t key) {
  LocalValue* value = running_locals();
  while (value != nullptr && value->key_ != key) value = value->older_;
  return value;
}

void add_local(LocalValue* value) noexcept {
  LocalValue*& newest = running_locals();  // was there a moment ago, for find_local
  value->older_ = newest;
  newest = value;
}

void inherit_locals(ControlBlock& child) noexcept {
  CoroutineExtras* extras = extras_of(child);
  check(extras != nullptr, "no memory for the CoroutineLocals that a coroutine inherits");
  LocalValue** end = &extras->locals;
  for (LocalValue* value = thread_state.current->extras->locals; value != nullptr;
       value = value->older_) {
    LocalValue* copy = value->inherited();
    if (copy == nullptr) continue;
    *end = copy;
    end = &copy->older_;
  }
}

void destroy_locals(LocalValue*& list) noexcept {
  while (list != nullptr) {
    LocalValue* newest = list;
    list = newest->older_;
    delete newest;
  }
}

}  // namespace colibri
