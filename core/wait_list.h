// Wait nodes and the lists they stand in: what a parked coroutine is found by.
#pragma once

#include <cstdint>

namespace colibri {

struct ControlBlock;

/// What holds a list together.
struct WaitLink {
  WaitLink* next = nullptr;  // null: in no list
  WaitLink* previous = nullptr;
};

/// A coroutine's place in one wait list. Lies in the control block (which derives from it) or in
/// the heap (WaitSlot), never on a coroutine's stack. Belongs to the coroutine's thread.
struct WaitNode : WaitLink {
  bool is_slot = false;
};

/// A node for coroutines that wait for several things at once; one a thing, all in the heap.
struct WaitSlot : WaitNode {
  explicit WaitSlot(ControlBlock* waiter = nullptr) noexcept : coroutine(waiter) { is_slot = true; }
  ControlBlock* coroutine;
};

/// Takes `node` out of its list, if it is in one.
inline void withdraw(WaitNode& node) noexcept {
  if (node.next == nullptr) return;
  node.previous->next = node.next;
  node.next->previous = node.previous;
  node.next = nullptr;
}

/// Coroutines that wait for one thing, first come first. All bytes zero is an empty list. Must not
/// move while somebody waits. Not thread-safe: all its coroutines are of one scheduler.
///
/// The list closes into a ring through `ends_`: a node then leaves without knowing its list, which
/// saves eight bytes in every parked coroutine.
class WaitList {
 public:
  bool empty() const noexcept { return ends_.next == nullptr || ends_.next == &ends_; }
  WaitNode* first() const noexcept {
    return empty() ? nullptr : static_cast<WaitNode*>(ends_.next);
  }

  /// The one behind `node`, which is in this list; null behind the last.
  WaitNode* after(const WaitNode& node) const noexcept {
    return node.next == &ends_ ? nullptr : static_cast<WaitNode*>(node.next);
  }

  void push_back(WaitNode& node) noexcept {
    if (ends_.next == nullptr) ends_.next = ends_.previous = &ends_;
    node.next = &ends_;
    node.previous = ends_.previous;
    ends_.previous->next = &node;
    ends_.previous = &node;
  }

  /// Takes the first node out; null if there is none.
  WaitNode* pop_front() noexcept {
    WaitNode* node = first();
    if (node != nullptr) withdraw(*node);
    return node;
  }

 private:
  WaitLink ends_;
};

}  // namespace colibri
