// Which stack a coroutine runs on.
#pragma once

#include <atomic>
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

/// True for what lies on the shared stack of the running coroutine: while that is parked, the bytes
/// lie elsewhere, and others' are there. In a coroutine.
inline bool lies_on_shared_stack(const void* address, std::size_t size) noexcept {
  const ControlBlock& self = *thread_state.current;
  if (!self.on_shared_stack()) return false;
  PrivateStack& stack = stack_of(self);
  const auto* begin = static_cast<const std::byte*>(address);
  return begin < static_cast<const std::byte*>(stack.top()) && begin + size > stack.low;
}

/// Set where coroutines have other memory than shared stacks that is put aside while they are
/// parked: says whether some of it lies in the range.
inline constinit std::atomic<bool (*)(const void* address, std::size_t size) noexcept>
    lies_in_exchanged_memory{nullptr};

/// True for memory that is the running coroutine's only while it runs, so that helpers and the
/// kernel must not use it while it is parked. In a coroutine.
inline bool is_anothers_while_parked(const void* address, std::size_t size) noexcept {
  if (lies_on_shared_stack(address, size)) return true;
  const auto asked = lies_in_exchanged_memory.load(std::memory_order_relaxed);
  return asked != nullptr && asked(address, size);
}

/// Who runs on `stack`, or has it occupied; null when nobody does. Signal handlers may call it.
ControlBlock* user_of(PrivateStack& stack) noexcept;

}  // namespace colibri
