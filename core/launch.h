// Making coroutines and getting rid of them. On a private stack, control block and closure lie at
// the top of the coroutine's own stack; on a shared one, in memory of their own.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "colibri/core/control_block.h"
#include "colibri/core/identity.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/spawn_options.h"
#include "colibri/core/stack.h"
#include "colibri/core/stack_of.h"

namespace colibri {

/// A coroutine's last act: returns the stack pointer of the flow that runs next.
using EndFunction = StackPointer (*)(ControlBlock& self) noexcept;

/// What a coroutine is to do, of any type.
struct Closure {
  struct Type {
    void (*run)(ControlBlock& self);             // calls and destroys it
    void (*destroy)(Closure& closure) noexcept;  // for one that never ran
    EndFunction end;
  };
  const Type* type;
};

template <class Function>
struct ClosureOf : Closure {
  template <class Source>
  ClosureOf(const Type* type_of_it, Source&& source)
      : Closure{type_of_it}, function(std::forward<Source>(source)) {}

  static void destroy(Closure& closure) noexcept { static_cast<ClosureOf&>(closure).~ClosureOf(); }

  // On a private stack it stays where it is, and is destroyed on that stack also when it throws.
  static void run_in_place(ControlBlock& self) {
    auto* closure = static_cast<ClosureOf*>(self.storage);
    const std::unique_ptr<ClosureOf, void (*)(ClosureOf*)> destroyer(
        closure, [](ClosureOf* done) { done->~ClosureOf(); });
    closure->function();
  }

  // On a shared stack it moves onto the stack, and leaves its memory to the saved bytes.
  static void run_moved(ControlBlock& self) {
    auto& closure = *static_cast<ClosureOf*>(self.storage);
    Function function_here = [&] {
      const std::unique_ptr<ClosureOf, void (*)(ClosureOf*)> destroyer(
          &closure, [](ClosureOf* moved) { moved->~ClosureOf(); });
      return std::move(closure.function);
    }();
    function_here();
  }

  template <EndFunction end>
  static constexpr Type kInPlace{&run_in_place, &destroy, end};
  template <EndFunction end>
  static constexpr Type kMoved{&run_moved, &destroy, end};

  Function function;
};

/// First function on every coroutine's stack: calls the closure of the thread's current coroutine,
/// handles what escapes, and returns what the closure's `end` says runs next.
StackPointer coroutine_entry(void*);

/// Readies the calling thread for coroutines. No effect the second time.
void prepare_thread();

inline constexpr std::uint64_t kIdsInABatch = 1024;
/// The first of a batch of ids, less one.
std::uint64_t next_batch_of_ids() noexcept;
/// False until the process has made its first coroutine. Any thread.
bool any_coroutine_yet() noexcept;

/// Gives `block` an id, unique in the process, and what the options say of it.
inline void identify(ControlBlock& block, const SpawnOptions& options) noexcept {
  std::uint64_t& last = thread_state.last_id;
  if (last % kIdsInABatch == 0) last = next_batch_of_ids();
  block.id = ++last & ((std::uint64_t{1} << 48) - 1);
  block.origin = intern_origin_again(options.site, options.name);
}

/// Gives `child` the CoroutineLocals that it inherits from the running coroutine; see local.h.
void inherit_locals(ControlBlock& child) noexcept;

/// Destroys what `block`, the running coroutine, which ends, has kept for itself: its
/// CoroutineLocals, what it set by pthread_setspecific, and a name of its own. No effect the second
/// time.
void destroy_own_values(ControlBlock& block) noexcept;

/// Destroys the closure of a coroutine that never ran. To be followed by release_coroutine.
void discard_closure(ControlBlock& block) noexcept;

/// Gives back all memory of a coroutine that has ended or never ran; its timer must be idle. The
/// caller may still be running on its stack, as long as nothing is spawned before it has left.
inline void release_coroutine(ControlBlock& block) noexcept {
  if (block.on_shared_stack()) return thread_state.shared_stacks->release(block);
  thread_state.stack_pool->release(&private_stack_of(block));
}

/// The extras of `block`, made if need be. Null when there is no memory.
CoroutineExtras* extras_of(ControlBlock& block) noexcept;

namespace detail {

[[noreturn]] void refuse_large_closure();

template <EndFunction end, class Function>
ControlBlock* new_on_private_stack(std::size_t stack_bytes, Function&& function) {
  using Type = ClosureOf<std::decay_t<Function>>;
  StackPool& pool = *thread_state.stack_pool;
  PrivateStack* stack = pool.acquire(stack_bytes);
  renew_stack(stack->low, stack->usable_bytes());
  // What is not needed yet is not even cleared.
  auto* top = static_cast<PrivateTop*>(stack->top()) - 1;
  ::new (&top->block) ControlBlock;
  constexpr std::size_t kAlignment = alignof(Type) > 16 ? alignof(Type) : 16;
  const auto place =
      (reinterpret_cast<std::uintptr_t>(top) - sizeof(Type)) & ~std::uintptr_t{kAlignment - 1};
  try {
    if (sizeof(Type) > stack->usable_bytes() / 2) refuse_large_closure();
    top->block.storage = ::new (reinterpret_cast<void*>(place))
        Type(&Type::template kInPlace<end>, std::forward<Function>(function));
  } catch (...) {
    pool.release(stack);
    throw;
  }
  top->block.stack_pointer =
      make_context(reinterpret_cast<void*>(place), &coroutine_entry, nullptr);
  top->block.sanitizer.start(stack->low, stack->usable_bytes());
  return &top->block;
}

template <EndFunction end, class Function>
ControlBlock* new_on_shared_stack(const SharedStackGroup& group, Function&& function) {
  using Type = ClosureOf<std::decay_t<Function>>;
  if constexpr (alignof(Type) > 16) {
    // Slabs align to 16; rarer wishes get memory of their own.
    auto boxed = std::make_unique<std::decay_t<Function>>(std::forward<Function>(function));
    return new_on_shared_stack<end>(group, [boxed = std::move(boxed)] { (*boxed)(); });
  } else {
    if (sizeof(Type) > kSmallestStackBytes / 2 && sizeof(Type) > group.stack_bytes() / 2) {
      refuse_large_closure();
    }
    SharedStacks& stacks = *thread_state.shared_stacks;
    const SharedStacks::Room room = stacks.allocate(sizeof(Type));
    try {
      ::new (room.closure) Type(&Type::template kMoved<end>, std::forward<Function>(function));
    } catch (...) {
      stacks.free(room);
      throw;
    }
    auto* coroutine = ::new (room.block) ControlBlock;
    coroutine->storage = room.closure;
    try {
      stacks.place(*coroutine, group);
    } catch (...) {
      static_cast<Type*>(room.closure)->~Type();
      stacks.free(room);
      throw;
    }
    return coroutine;
  }
}

}  // namespace detail

/// Where coroutines run whose options do not say it.
struct DefaultStacks {
  const SharedStackGroup* shared = nullptr;  // null: private stacks
  std::size_t private_bytes = kDefaultStackBytes;
};

/// Makes a coroutine that will call `function()`, and destroy it afterwards. Strong guarantee.
/// Errors: as StackPool::acquire, std::bad_alloc, what copying the function throws, and
/// std::invalid_argument for one that takes more than half of the stack.
template <EndFunction end, class Function>
ControlBlock* new_coroutine(const SpawnOptions& options, const DefaultStacks& defaults,
                            Function&& function) {
  if (thread_state.stack_pool == nullptr) [[unlikely]]
    prepare_thread();
  const SharedStackGroup* group = options.shared_stacks;
  if (group == nullptr && options.stack_bytes == 0) group = defaults.shared;
  ControlBlock* block;
  if (group == nullptr) [[likely]] {
    const std::size_t bytes =
        options.stack_bytes != 0 ? options.stack_bytes : defaults.private_bytes;
    block = detail::new_on_private_stack<end>(bytes, std::forward<Function>(function));
  } else {
    block = detail::new_on_shared_stack<end>(*group, std::forward<Function>(function));
  }
  identify(*block, options);
  if (parents_are_noted.load(std::memory_order_relaxed)) [[unlikely]]
    note_parent(*block);
  const ControlBlock* spawner = thread_state.current;
  if (spawner != nullptr && spawner->extras != nullptr && spawner->extras->locals != nullptr)
      [[unlikely]] {
    inherit_locals(*block);
  }
  return block;
}

}  // namespace colibri
