// Which stack a coroutine runs on.
#pragma once

#include <cstddef>

#include "colibri/core/control_block.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/stack.h"
#include "colibri/core/thread_state.h"

namespace colibri {

/// What lies at the top of a private stack.
struct alignas(64) PrivateTop {
  ControlBlock block;
  alignas(CoroutineExtras) std::byte extras[sizeof(CoroutineExtras)];  // made by extras_of
};

/// Only for coroutines with a stack of their own.
inline PrivateStack& private_stack_of(const ControlBlock& block) noexcept {
  auto* top = reinterpret_cast<PrivateTop*>(const_cast<ControlBlock*>(&block));
  return *reinterpret_cast<PrivateStack*>(top + 1);
}

/// The one that `block` runs on, private or shared. On the coroutine's own thread.
inline PrivateStack& stack_of(const ControlBlock& block) noexcept {
  if (!block.on_shared_stack()) return private_stack_of(block);
  return thread_state.shared_stacks->memory_of(block);
}

/// Who runs on `stack`, or has it occupied; null when nobody does. Signal handlers may call it.
ControlBlock* user_of(PrivateStack& stack) noexcept;

}  // namespace colibri
