// What the handles of a group of shared stacks stand for. For shared_stack*.cc alone.
#pragma once

#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/shared_stack.h"

namespace colibri {

/// Belongs to the thread that made it. Lives until the last handle and the last coroutine on its
/// stacks are gone.
struct SharedStackGroup::State {
  SharedStacks* const table;    // the thread's
  SharedStack* next = nullptr;  // whose turn it is; the stacks of a group form a ring
  unsigned count = 0;
  bool handles_gone = false;

  explicit State(SharedStacks& threads) noexcept : table(&threads) {}

  [[noreturn, gnu::cold]] static void refuse_thread() noexcept {
    fail("a SharedStackGroup was used on another thread than the one that made it");
  }

  void add(SharedStack& stack) noexcept {
    stack.group = this;
    if (next == nullptr) next = &stack;
    stack.next_in_group = next->next_in_group != nullptr ? next->next_in_group : &stack;
    next->next_in_group = &stack;
    ++count;
  }

  static void drop_handles(State* state) noexcept {
    // A handle that outlives its thread finds the table gone, and the memory with it.
    const SharedStacks* threads = thread_state.shared_stacks;
    if (threads != nullptr && threads != state->table) refuse_thread();
    state->handles_gone = true;
    state->release_if_unused();
  }

  void release_if_unused() noexcept {
    if (thread_state.shared_stacks != nullptr) {
      SharedStack* stack = next;
      for (unsigned i = 0; i < count; ++i, stack = stack->next_in_group) {
        if (stack->users != 0) return;
      }
      for (unsigned i = 0; i < count; ++i) {
        SharedStack& unused = *std::exchange(stack, stack->next_in_group);
        thread_stack_pool().release(unused.memory);
        unused = SharedStack{};
      }
    }
    delete this;
  }
};

}  // namespace colibri
