// How coroutines come to run on shared stacks and leave them; shared_stack.cc has how they get one.
#include <utility>

#include "colibri/core/shared_stack.h"
#include "colibri/core/stack_of.h"

namespace colibri {
namespace {

std::size_t live_bytes(const SharedStack& stack, const ControlBlock& coroutine) noexcept {
  return static_cast<std::size_t>(static_cast<std::byte*>(stack.memory->top()) -
                                  static_cast<std::byte*>(coroutine.stack_pointer));
}

/// The thread's stack below all that its own flow, which is suspended, has in use.
void* thread_stack_top() noexcept {
  constexpr std::size_t kEnoughForACopy = 4096;
  const auto used = reinterpret_cast<std::uintptr_t>(thread_state.own_flow.stack_pointer);
  const std::uintptr_t top = (used - 128) & ~std::uintptr_t{15};
  lend_stack(reinterpret_cast<void*>(top - kEnoughForACopy), kEnoughForACopy);
  return reinterpret_cast<void*>(top);
}

}  // namespace

// Copying ----------------------------------------------------------------------------------------

bool SharedStacks::reserve(ControlBlock& coroutine, std::size_t bytes) noexcept {
  if (coroutine.storage != nullptr) {
    const std::size_t capacity = SlabMemory::capacity_of(coroutine.storage);
    // What it needs changes little from one park to the next: an eighth too much is kept, or what
    // new memory would have too much.
    if (capacity >= bytes &&
        (capacity - bytes <= bytes / 8 || capacity == SlabMemory::capacity_for(bytes))) {
      return true;
    }
  }
  void* memory = memory_.allocate(bytes);
  if (memory == nullptr) return false;
  memory_.free(coroutine.storage);
  coroutine.storage = memory;
  return true;
}

bool SharedStacks::save_occupant(SharedStack& stack) noexcept {
  ControlBlock& coroutine = *stack.occupant;
  if (coroutine.state != CoroutineState::kDone) {
    const std::size_t bytes = live_bytes(stack, coroutine);
    if (!reserve(coroutine, bytes)) return false;
    copy_stack_bytes(coroutine.storage, coroutine.stack_pointer, bytes);
    count(coroutine, bytes);
  }
  coroutine.direct = false;
  stack.occupant = nullptr;
  return true;
}

// Must not run on the stack it is about.
bool SharedStacks::bring_in(ControlBlock& next) noexcept {
  SharedStack& stack = stack_of(next);
  if (stack.occupant != nullptr) return save_occupant(stack) && bring_in(next);
  stack.occupant = &next;
  next.direct = true;
  renew_stack(stack.memory->low, stack.memory->usable_bytes());
  if (next.stack_pointer != nullptr) {
    copy_stack_bytes(next.stack_pointer, next.storage, live_bytes(stack, next));
  } else {
    next.stack_pointer = make_context(stack.memory->top(), thread_state.entry, nullptr);
  }
  return true;
}

// Switching --------------------------------------------------------------------------------------

// On the thread's stack, while nobody runs: copies out who left, and copies in who arrives.
StackPointer SharedStacks::exchange(void* self) noexcept {
  auto& stacks = *static_cast<SharedStacks*>(self);
  ControlBlock& next = *stacks.arriving_;
  const bool checking = stacks.checking();
  if (!(checking ? stacks.open_checked(next) : stacks.bring_in(next))) {
    stacks.out_of_memory_ = true;
    return stacks.leaving_->stack_pointer;
  }
  if (checking && stacks.leaving_ != nullptr) stacks.close_checked(*stacks.leaving_);
  return next.stack_pointer;
}

// In two halves, since only the second one's frame is on the stack while another flow runs, and is
// copied with it.
bool SharedStacks::switch_to(Flow& from, ControlBlock& next) noexcept {
  if (!thread_state.exceptions->empty()) [[unlikely]]
    return switch_and_put_aside(from, next);
  return switch_alone(from, next);
}

/// For flows that have nothing to put aside.
[[gnu::always_inline]] inline bool SharedStacks::switch_alone(Flow& from,
                                                              ControlBlock& next) noexcept {
  leaving_ = &from;
  arriving_ = &next;
  if (checking()) [[unlikely]]
    return switch_checked(next);
  if (!next.on_shared_stack()) {
    next.direct = true;
    return cross<Way::kBegin>();
  }
  if (static_cast<Flow*>(stack_of(next).occupant) == &from) return cross<Way::kThroughThread>();
  const bool begins = next.stack_pointer == nullptr;
  if (!bring_in(next)) return false;
  return begins ? cross<Way::kBegin>() : cross<Way::kReturn>();
}

template <SharedStacks::Way way>
bool SharedStacks::cross() noexcept {
  Flow& from = *leaving_;
  ControlBlock& next = *arriving_;
  const int saved_errno = *thread_state.errno_address;
  bool switched = true;
  from.sanitizer.before_switch(next.sanitizer, false);
  if constexpr (way == Way::kThroughThread) {
    colibri_context_switch_through(&from.stack_pointer, thread_stack_top(), &exchange, this);
    switched = thread_state.shared_stacks->come_back();
  } else {
    switch_context(&from.stack_pointer, next.stack_pointer);
  }
  from.sanitizer.after_switch();
  *thread_state.errno_address = saved_errno;
  return switched;
}

/// After a switch through the thread's stack: false if it has led nowhere, for want of memory.
bool SharedStacks::come_back() noexcept {
  if (!out_of_memory_) [[likely]]
    return true;
  out_of_memory_ = false;
  // Nobody else has run: the sanitizers are told of a way there and back.
  arriving_->sanitizer.after_switch();
  arriving_->sanitizer.before_switch(leaving_->sanitizer, false);
  return false;
}

bool SharedStacks::switch_and_put_aside(Flow& from, ControlBlock& next) noexcept {
  thread_state.tell_watch(from);
  const PutAside aside;
  return switch_alone(from, next);
}

StackPointer SharedStacks::arrival(ControlBlock& next, std::uint8_t stack_index) noexcept {
  if (checking()) return open_checked(next) ? next.stack_pointer : nullptr;
  if (!next.on_shared_stack()) {
    next.direct = true;
    return next.stack_pointer;
  }
  if (next.stack_index != stack_index) return bring_in(next) ? next.stack_pointer : nullptr;
  // Its bytes belong where the caller still runs. Nobody is in the way: this cannot fail.
  leaving_ = nullptr;
  arriving_ = &next;
  return make_context(thread_stack_top(), &exchange, this);
}

// In check mode ----------------------------------------------------------------------------------

bool SharedStacks::open_checked(ControlBlock& next) noexcept {
  if (!next.on_shared_stack()) return true;
  if (!checked_->open(next)) return false;
  if (next.stack_pointer == nullptr) {
    next.stack_pointer = make_context(CheckedStacks::top_of(next), thread_state.entry, nullptr);
  }
  return true;
}

void SharedStacks::close_checked(Flow& left) noexcept {
  if (&left == &thread_state.own_flow) return;
  auto& coroutine = static_cast<ControlBlock&>(left);
  if (coroutine.on_shared_stack()) checked_->close(coroutine);
}

bool SharedStacks::switch_checked(ControlBlock& next) noexcept {
  // The thread's own stack stays as it is, and has no room below itself while it runs.
  if (leaving_ == &thread_state.own_flow) return open_checked(next) && cross<Way::kBegin>();
  return cross<Way::kThroughThread>();
}

// On the thread's stack.
StackPointer SharedStacks::close_and_return(void* self) noexcept {
  auto& stacks = *static_cast<SharedStacks*>(self);
  stacks.close_checked(*stacks.leaving_);
  return thread_state.own_flow.stack_pointer;
}

void SharedStacks::switch_to_thread(ControlBlock& from) noexcept {
  thread_state.tell_watch(from);
  const PutAside aside;
  const int saved_errno = *thread_state.errno_address;
  leaving_ = &from;
  from.sanitizer.before_switch(thread_state.own_flow.sanitizer, false);
  colibri_context_switch_through(&from.stack_pointer, thread_stack_top(), &close_and_return, this);
  from.sanitizer.after_switch();
  *thread_state.errno_address = saved_errno;
}

bool SharedStacks::look_at_checked(ControlBlock& coroutine, Look look, void* context) noexcept {
  const bool closed = coroutine.on_shared_stack() && !CheckedStacks::is_open(coroutine);
  if (closed && !checked_->open(coroutine)) return false;
  look(context);
  if (closed) checked_->close(coroutine);
  return true;
}

// Looking ----------------------------------------------------------------------------------------

// On the thread's stack, since the looker's own is needed.
StackPointer SharedStacks::look_and_return(void* self) noexcept {
  auto& stacks = *static_cast<SharedStacks*>(self);
  ControlBlock& looker = stacks.not_left();
  if (!stacks.bring_in(*stacks.arriving_)) {
    stacks.out_of_memory_ = true;
    return looker.stack_pointer;
  }
  stacks.look_(stacks.look_context_);
  // Cannot fail: who is copied out now was copied out before, and has its memory still.
  stacks.bring_in(looker);
  return looker.stack_pointer;
}

bool SharedStacks::look_at(ControlBlock& coroutine, Look look, void* context) noexcept {
  if (checking()) return look_at_checked(coroutine, look, context);
  const bool in_place =
      coroutine.direct || !coroutine.on_shared_stack() || coroutine.stack_pointer == nullptr;
  ControlBlock* looker = thread_state.current;
  if (looker == nullptr || in_place || stack_of(coroutine).occupant != looker) {
    if (!in_place && !bring_in(coroutine)) return false;
    look(context);
    return true;
  }
  leaving_ = looker;
  arriving_ = &coroutine;
  look_ = look;
  look_context_ = context;
  colibri_context_switch_through(&looker->stack_pointer, thread_stack_top(), &look_and_return,
                                 this);
  SharedStacks& stacks = *thread_state.shared_stacks;
  return !std::exchange(stacks.out_of_memory_, false);
}

}  // namespace colibri
