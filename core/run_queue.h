// Who runs next: first come, first served.
#pragma once

#include "colibri/core/control_block.h"

namespace colibri {

/// A queue of ready coroutines, linked through their control blocks. One scheduler's own.
class RunQueue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }

  void push_back(ControlBlock& coroutine) noexcept {
    coroutine.next = nullptr;
    (first_ != nullptr ? last_->next : first_) = &coroutine;
    last_ = &coroutine;
  }

  /// Null when empty.
  ControlBlock* pop_front() noexcept {
    ControlBlock* coroutine = first_;
    if (coroutine != nullptr) {
      first_ = coroutine->next;
      // The one after it will run in a moment: have its saved registers on their way by then.
      if (first_ != nullptr) __builtin_prefetch(first_);
    }
    return coroutine;
  }

  /// Forgets everybody.
  void clear() noexcept { first_ = nullptr; }

 private:
  ControlBlock* first_ = nullptr;
  ControlBlock* last_ = nullptr;
};

}  // namespace colibri
