// Wait nodes and the lists they stand in: what a parked coroutine is found by.
#pragma once

#include <cstdint>

namespace colibri {

struct ControlBlock;
class WaitList;

/// A coroutine's place in one wait list. Lies in the control block or in the heap, never on a
/// coroutine's stack. Belongs to the coroutine's thread.
struct WaitNode {
  WaitNode* next = nullptr;
  WaitNode* previous = nullptr;
  WaitList* list = nullptr;  // null: in no list
  ControlBlock* coroutine = nullptr;
};

/// Coroutines that wait for one thing, first come first. All bytes zero is an empty list. Not
/// thread-safe: all its coroutines are of one scheduler.
class WaitList {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  WaitNode* first() const noexcept { return first_; }

  void push_back(WaitNode& node) noexcept {
    node.list = this;
    node.next = nullptr;
    node.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &node;
    last_ = &node;
  }

  void remove(WaitNode& node) noexcept {
    (node.previous != nullptr ? node.previous->next : first_) = node.next;
    (node.next != nullptr ? node.next->previous : last_) = node.previous;
    node.list = nullptr;
  }

  /// Takes the first node out; null if there is none.
  WaitNode* pop_front() noexcept {
    WaitNode* node = first_;
    if (node != nullptr) remove(*node);
    return node;
  }

 private:
  WaitNode* first_ = nullptr;
  WaitNode* last_ = nullptr;
};

/// Takes `node` out of its list, if it is in one.
inline void withdraw(WaitNode& node) noexcept {
  if (node.list != nullptr) node.list->remove(node);
}

}  // namespace colibri
