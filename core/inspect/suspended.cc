#include "colibri/core/inspect/suspended.h"

#include "colibri/core/inspect/awaited.h"
#include "colibri/core/stack_of.h"

namespace colibri {

const ControlBlock* SuspendedByHand::next(std::size_t& looks) noexcept {
  const StackPool* pool = thread_state.stack_pool;
  while (pool != nullptr && looks != 0) {
    PrivateStack* stack = pool->next_made(position_);
    if (stack == nullptr) return nullptr;
    --looks;
    if (stack->was_shared) continue;
    // In a stack that is free lies who was there last, and has ended.
    const ControlBlock& block = (static_cast<PrivateTop*>(stack->top()) - 1)->block;
    if (is_suspended_by_hand(block)) return &block;
  }
  return nullptr;
}

}  // namespace colibri
