#include "colibri/core/local.h"

#include <atomic>

namespace colibri {
namespace {

/// A plain thread's values.
struct ThreadLocals {
  LocalValue* newest = nullptr;
  ~ThreadLocals() { destroy_locals(newest); }
};

LocalValue*& running_locals() noexcept {
  static constinit thread_local ThreadLocals of_thread;
  ControlBlock* coroutine = thread_state.current;
  return coroutine != nullptr ? coroutine->locals : of_thread.newest;
}

}  // namespace

std::uint64_t new_local_key() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

LocalValue* find_local(std::uint64_t key) noexcept {
  LocalValue* value = running_locals();
  while (value != nullptr && value->key_ != key) value = value->older_;
  return value;
}

void add_local(LocalValue* value) noexcept {
  LocalValue*& newest = running_locals();
  value->older_ = newest;
  newest = value;
}

void inherit_locals(ControlBlock& child) noexcept {
  ControlBlock* parent = thread_state.current;
  if (parent == nullptr) return;
  LocalValue** end = &child.locals;
  for (LocalValue* value = parent->locals; value != nullptr; value = value->older_) {
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
