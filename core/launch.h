// Laying out a new coroutine: control block and callable at the top of its own stack.
#pragma once

#include <cstddef>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "colibri/core/control_block.h"
#include "colibri/core/spawn_options.h"
#include "colibri/core/stack.h"

namespace colibri {

/// First function on every coroutine's stack: calls `body`, handles what escapes, and returns what
/// `end` says runs next.
StackPointer coroutine_entry(void* block);

/// Prepares `block` so that the first switch to it enters coroutine_entry, with the stack below
/// `high`.
void prepare_first_frame(ControlBlock& block, void* high) noexcept;

/// Gives `block` an id, unique in the process, and what the options say of it.
void identify(ControlBlock& block, const SpawnOptions& options) noexcept;

/// Makes a coroutine that will call `function()`, and destroy it afterwards, on a stack of at least
/// `stack_bytes` of `pool`. Strong guarantee. Errors: as StackPool::acquire, what copying the
/// function throws, and std::invalid_argument for one that takes more than half of the stack.
template <class Function>
ControlBlock* new_coroutine(StackPool& pool, std::size_t stack_bytes, Function&& function) {
  using Callable = std::decay_t<Function>;
  PrivateStack* stack = pool.acquire(stack_bytes);
  renew_stack(stack->low, stack->usable_bytes());
  auto* block = ::new (static_cast<std::byte*>(stack->top()) - sizeof(ControlBlock)) ControlBlock;
  constexpr std::size_t kAlignment = alignof(Callable) > 16 ? alignof(Callable) : 16;
  const auto place = (reinterpret_cast<std::uintptr_t>(block) - sizeof(Callable)) &
                     ~std::uintptr_t{kAlignment - 1};
  try {
    if (sizeof(Callable) > stack->usable_bytes() / 2) {
      throw std::invalid_argument(
          "the function object and arguments of a coroutine take more than half of its stack");
    }
    block->callable =
        ::new (reinterpret_cast<void*>(place)) Callable(std::forward<Function>(function));
  } catch (...) {
    pool.release(stack);
    throw;
  }
  block->stack = stack;
  block->destroy_callable = [](void* callable) { static_cast<Callable*>(callable)->~Callable(); };
  block->body = [](ControlBlock& self) {
    // Destroyed on the coroutine's own stack, also when the call throws.
    struct Destroyer {
      Callable& callable;
      ~Destroyer() { callable.~Callable(); }
    } destroyer{*static_cast<Callable*>(self.callable)};
    destroyer.callable();
  };
  prepare_first_frame(*block, reinterpret_cast<void*>(place));
  return block;
}

}  // namespace colibri
