// What the handles of a group of shared stacks stand for. For shared_stack*.cc alone.
#pragma once

#include <cstdint>
#include <vector>

#include "colibri/core/check.h"
#include "colibri/core/shared_stack.h"

namespace colibri {

/// Belongs to the thread that made it. Lives until the last handle and the last coroutine on its
/// stacks are gone.
struct SharedStackGroup::State {
  SharedStacks* const table;          // the thread's
  std::vector<std::uint8_t> indices;  // in the table
  std::size_t next = 0;               // whose turn it is
  bool handles_gone = false;

  explicit State(SharedStacks& threads) noexcept : table(&threads) {}

  void check_thread() const noexcept {
    check(thread_state.shared_stacks == table || thread_state.shared_stacks == nullptr,
          "a SharedStackGroup was used on another thread than the one that made it");
  }

  static void drop_handles(State* state) noexcept {
    state->check_thread();
    state->handles_gone = true;
    state->release_if_unused();
  }

  void release_if_unused() noexcept {
    // A handle that outlives its thread finds the table gone, and the memory with it.
    if (thread_state.shared_stacks != nullptr) {
      SharedStack* stacks = table->stacks_;
      for (const std::uint8_t index : indices) {
        if (stacks[index].users != 0) return;
      }
      for (const std::uint8_t index : indices) {
        thread_stack_pool().release(stacks[index].memory);
        stacks[index] = SharedStack{};
      }
    }
    delete this;
  }
};

}  // namespace colibri
