// Shared stacks: several coroutines run on one stack, each at the same addresses. Who leaves stays
// on it until another needs it; only then are the live bytes, from the stack pointer to the top,
// copied out, and back before the coroutine runs again. A parked coroutine then takes its control
// block and its live bytes, and no page of its own.
//
// The law of shared stacks: nothing that outlives a switch may point into a coroutine's stack.
// While it is parked, its variables are elsewhere, and their addresses belong to somebody else's.
// Everything in colibri keeps it. For code that does not (a lambda that captures a reference to a
// local variable of its spawner, say), use private stacks; checked_stacks.h finds it.
//
// Copying never runs on the stack that is copied: a coroutine that gives way to another one of its
// own stack switches through the thread's stack, below what the scheduler's loop has in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "colibri/core/checked_stacks.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/slab_memory.h"
#include "colibri/core/stack.h"
#include "colibri/core/thread_state.h"

namespace colibri {

/// A group of shared stacks: a copyable handle. Belongs to the thread that made it, for whose
/// coroutines it is: on another one, spawning with it or dropping its last handle ends the process
/// with a sentence. The stacks are given back when the last handle and the last of those coroutines
/// are gone.
class SharedStackGroup {
 public:
  /// `count` stacks of `bytes` each. More stacks, less copying. Throws std::invalid_argument for a
  /// count of 0 or a size that no stack may have, std::system_error when no memory can be had or
  /// the thread has more than 255 shared stacks.
  explicit SharedStackGroup(unsigned count = 8, std::size_t bytes = kDefaultStackBytes);

  /// Of each stack; at least what was asked for.
  std::size_t stack_bytes() const noexcept;
  unsigned count() const noexcept;

 private:
  friend class SharedStacks;
  friend struct SharedStack;
  struct State;
  std::shared_ptr<State> state_;
};

/// One stack of a group. Its size is a power of two, so that an index is found by a shift.
struct alignas(64) SharedStack {
  PrivateStack* memory = nullptr;  // null: this place in the thread's table is free
  SharedStackGroup::State* group = nullptr;
  SharedStack* next_in_group = nullptr;  // in a ring
  ControlBlock* occupant = nullptr;      // whose bytes lie on it; null: nobody's
  std::size_t users = 0;                 // coroutines that were put on it and have not ended
};

/// What was copied for the coroutines of one origin; see shared_stack_copies.
struct StackCopies {
  Origin origin;                 // where they were spawned
  std::uint64_t copies_out = 0;  // how often one of them had to make room
  std::uint64_t bytes_out = 0;   // in all
};

/// Since the thread's start, by spawn site, most bytes first: who copies much belongs on a private
/// stack. Each copy out is followed by a copy in if the coroutine goes on. Any code on the thread
/// that asks.
std::vector<StackCopies> shared_stack_copies();

/// The shared stacks of one thread and the memory for what is not on them at the moment.
class SharedStacks {
 public:
  SharedStacks() noexcept;
  ~SharedStacks();
  SharedStacks(const SharedStacks&) = delete;
  SharedStacks& operator=(const SharedStacks&) = delete;

  /// Memory for a new coroutine, in which one will be constructed, and for its closure.
  struct Room {
    void* block;
    void* closure;
  };
  /// `closure` has at least `closure_bytes`, aligned to 16. Throws std::bad_alloc.
  Room allocate(std::size_t closure_bytes) {
    if (closure_bytes <= kUsualClosureBytes && spares_ != nullptr) [[likely]] {
      ControlBlock* spare = spares_;
      spares_ = spare->next_alive;
      --spare_count_;
      return {spare, spare->storage};
    }
    return allocate_slowly(closure_bytes);
  }
  void free(const Room& room) noexcept {
    memory_.free(room.block);
    memory_.free(room.closure);
  }

  /// Puts a new coroutine, made in Room, on a stack of `group`. Throws in check mode only, as
  /// CheckedStacks::place, or std::bad_alloc; nothing has changed then.
  void place(ControlBlock& block, const SharedStackGroup& group);
  /// The coroutine has ended, or will never run: gives its memory back. The caller may still be
  /// running on its stack.
  void release(ControlBlock& block) noexcept;

  /// Makes the extras of a coroutine on a shared stack that has none. Null when there is no memory.
  CoroutineExtras* make_extras(ControlBlock& block) noexcept;

  /// As switch_flow, to a coroutine that is not direct, on whatever stack: one that has not begun,
  /// or whose bytes do not lie on its stack. False when there is no memory to copy out who is in
  /// the way: nothing was switched then.
  bool switch_to(Flow& from, ControlBlock& next) noexcept;
  /// Who wanted to leave when switch_to last returned false; a coroutine.
  ControlBlock& not_left() noexcept { return static_cast<ControlBlock&>(*leaving_); }

  /// In check mode, from the running coroutine to the thread's own flow.
  void switch_to_thread(ControlBlock& from) noexcept;

  /// For a coroutine that has ended and left its stack, number `stack_index`, but still runs there:
  /// the stack pointer that its entry must return so that `next`, which is not direct, runs. Null
  /// when there is no memory to copy out who is in the way.
  StackPointer arrival(ControlBlock& next, std::uint8_t stack_index) noexcept;

  using Look = void (*)(void* context) noexcept;
  /// Calls `look(context)` while the bytes of `coroutine`, which does not run, lie where they
  /// belong. `context` must not lie on a coroutine's stack: the caller's may have to make room.
  /// False when there is no memory for that.
  bool look_at(ControlBlock& coroutine, Look look, void* context) noexcept;

  SharedStack& stack_of(const ControlBlock& block) noexcept { return stacks_[block.stack_index]; }
  /// Where the coroutine runs.
  PrivateStack& memory_of(const ControlBlock& block) noexcept {
    return checked_ == nullptr ? *stack_of(block).memory : CheckedStacks::stack_of(block);
  }
  /// Whether each coroutine on a shared stack runs in a range of its own. Then none is direct, and
  /// each switch comes here.
  bool checking() const noexcept { return checked_ != nullptr; }
  /// Decides that anew, unless groups exist. Coroutines that have begun before on private stacks
  /// go on being direct, and who switches to them is not closed. Errors: as
  /// shared_stacks_are_checked, and std::bad_alloc.
  void choose_mode();
  /// Whose bytes lie on `memory`; `shared` says whether it is a stack of this table at all.
  ControlBlock* occupant_of(const PrivateStack& memory, bool& shared) noexcept;
  SlabMemory& memory() noexcept { return memory_; }
  /// Gives back memory that is kept for the next coroutines.
  void trim_now() noexcept;
  /// Coroutines that were put on a shared stack and have not ended.
  std::size_t in_use() const noexcept;
  /// Stacks that belong to groups.
  std::size_t stack_count() const noexcept;
  std::vector<StackCopies> copies() const;

 private:
  friend class SharedStackGroup;
  friend struct DebuggerLayout;

  static constexpr std::size_t kMostStacks = ControlBlock::kPrivateStack;
  static constexpr std::size_t kUsualClosureBytes = 32;
  static constexpr std::size_t kMostSpares = 64;

  struct Counter {
    std::uint64_t copies = 0;
    std::uint64_t bytes = 0;
  };

  static StackPointer exchange(void* self) noexcept;
  static StackPointer look_and_return(void* self) noexcept;
  static StackPointer close_and_return(void* self) noexcept;
  bool switch_and_put_aside(Flow& from, ControlBlock& next) noexcept;
  bool switch_alone(Flow& from, ControlBlock& next) noexcept;
  bool switch_checked(ControlBlock& next) noexcept;
  bool open_checked(ControlBlock& next) noexcept;
  void close_checked(Flow& left) noexcept;
  bool look_at_checked(ControlBlock& coroutine, Look look, void* context) noexcept;
  enum class Way { kBegin, kReturn, kThroughThread };
  template <Way way>
  [[gnu::noinline]] bool cross() noexcept;
  bool come_back() noexcept;
  Room allocate_slowly(std::size_t closure_bytes);
  bool bring_in(ControlBlock& next) noexcept;
  bool save_occupant(SharedStack& stack) noexcept;
  bool reserve(ControlBlock& coroutine, std::size_t bytes) noexcept;
  void count(const ControlBlock& coroutine, std::size_t bytes) noexcept;
  void put_on(SharedStack& stack, ControlBlock& block) noexcept;
  [[gnu::noinline]] void place_checked(ControlBlock& block, SharedStack& stack);
  [[gnu::noinline]] void release_slowly(ControlBlock& block) noexcept;

  SharedStack stacks_[kMostStacks];
  std::unique_ptr<CheckedStacks> checked_;  // null: not in check mode
  SlabMemory memory_;
  // Control blocks of those who ended without having been copied, each with the memory of its
  // closure: most servers spawn as often as coroutines end, and one step then replaces four.
  ControlBlock* spares_ = nullptr;
  std::size_t spare_count_ = 0;

  // What a switch through the thread's stack is about. Here, since the stack that is left must not
  // be looked at.
  Flow* leaving_ = nullptr;  // null: it has ended
  ControlBlock* arriving_ = nullptr;
  bool out_of_memory_ = false;
  Look look_ = nullptr;
  void* look_context_ = nullptr;
  Counter* counters_ = nullptr;  // by origin; null until first needed
};

/// The calling thread's.
SharedStacks& thread_shared_stacks() noexcept;

}  // namespace colibri
