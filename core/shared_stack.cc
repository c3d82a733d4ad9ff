#include "colibri/core/shared_stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/kept_in_exit.h"
#include "colibri/core/scheduler_watch.h"
#include "colibri/core/shared_stack_group.h"
#include "colibri/core/stack_of.h"

namespace colibri {
namespace {

constexpr std::size_t kOrigins = std::size_t{1} << (8 * sizeof(OriginIndex));

}  // namespace

SharedStacks::SharedStacks() noexcept {
  thread_stack_pool();  // made first, so that it goes last
  thread_state.shared_stacks = this;
}

SharedStacks::~SharedStacks() {
  trim_now();
  thread_state.shared_stacks = nullptr;
  if (counters_ != nullptr) munmap(counters_, kOrigins * sizeof(Counter));
}

void SharedStacks::choose_mode() {
  if (stack_count() != 0) return;
  const bool check = shared_stacks_are_checked();
  if (check == checking()) return;
  checked_ = check ? std::make_unique<CheckedStacks>() : nullptr;
}

void SharedStacks::place(ControlBlock& block, const SharedStackGroup& group) {
  SharedStackGroup::State& state = *group.state_;
  if (state.table != this) [[unlikely]]
    state.refuse_thread();
  // One that nobody is on saves the copying; else they take turns.
  SharedStack* stack = state.next;
  if (stack->users != 0) state.next = stack = stack->next_in_group;
  if (checking()) [[unlikely]]
    return place_checked(block, *stack);
  put_on(*stack, block);
}

void SharedStacks::put_on(SharedStack& stack, ControlBlock& block) noexcept {
  block.stack_index = static_cast<std::uint8_t>(&stack - stacks_);
  ++stack.users;
  const PrivateStack& memory = memory_of(block);
  block.sanitizer.start(memory.low, memory.usable_bytes());
}

void SharedStacks::place_checked(ControlBlock& block, SharedStack& stack) {
  if (make_extras(block) == nullptr) throw std::bad_alloc();
  try {
    checked_->place(block, stack_bytes_of_class(stack.memory->size_class));
  } catch (...) {
    memory_.free(std::exchange(block.extras, nullptr));
    throw;
  }
  put_on(stack, block);
}

CoroutineExtras* SharedStacks::make_extras(ControlBlock& block) noexcept {
  void* memory = memory_.allocate(sizeof(CoroutineExtras));
  if (memory == nullptr) return nullptr;
  block.extras = ::new (memory) CoroutineExtras;
  block.extras->timer.coroutine = &block;
  return block.extras;
}

SharedStacks::Room SharedStacks::allocate_slowly(std::size_t closure_bytes) {
  const std::size_t bytes = std::max(kUsualClosureBytes, (closure_bytes + 15) / 16 * 16);
  const Room room{memory_.allocate(sizeof(ControlBlock)), memory_.allocate(bytes)};
  if (room.block != nullptr && room.closure != nullptr) return room;
  free(room);
  throw std::bad_alloc();
}

void SharedStacks::release(ControlBlock& block) noexcept {
  SharedStack& stack = stack_of(block);
  if (stack.occupant == &block) stack.occupant = nullptr;
  --stack.users;
  if (checking() || stack.group->handles_gone || block.extras != nullptr ||
      spare_count_ == kMostSpares || block.storage == nullptr ||
      SlabMemory::capacity_of(block.storage) != kUsualClosureBytes) [[unlikely]] {
    return release_slowly(block);
  }
  block.next_alive = spares_;
  spares_ = &block;
  ++spare_count_;
}

void SharedStacks::release_slowly(ControlBlock& block) noexcept {
  if (checking()) checked_->release(block);
  const SharedStack& stack = stack_of(block);
  if (stack.users == 0 && stack.group->handles_gone) stack.group->release_if_unused();
  if (block.extras != nullptr) memory_.free(block.extras);
  free({&block, block.storage});
}

void SharedStacks::trim_now() noexcept {
  while (ControlBlock* spare = spares_) {
    spares_ = spare->next_alive;
    free({spare, spare->storage});
  }
  spare_count_ = 0;
  memory_.trim_now();
  if (checking()) checked_->trim_now();
}

std::size_t SharedStacks::in_use() const noexcept {
  std::size_t users = 0;
  for (const SharedStack& stack : stacks_) users += stack.users;
  return users;
}

std::size_t SharedStacks::stack_count() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(std::begin(stacks_), std::end(stacks_),
                    [](const SharedStack& stack) { return stack.memory != nullptr; }));
}

void SharedStacks::count(const ControlBlock& coroutine, std::size_t bytes) noexcept {
  if (counters_ == nullptr) [[unlikely]] {
    void* memory = mmap(nullptr, kOrigins * sizeof(Counter), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    counters_ = static_cast<Counter*>(memory);
  }
  ++counters_[coroutine.origin].copies;
  counters_[coroutine.origin].bytes += bytes;
  if (thread_state.watch != nullptr) [[unlikely]]
    tell_watches(&SchedulerWatch::copies_out, bytes);
}

std::vector<StackCopies> SharedStacks::copies() const {
  std::vector<StackCopies> all;
  for (std::size_t i = 0; counters_ != nullptr && i < kOrigins; ++i) {
    const Counter& counter = counters_[i];
    if (counter.copies == 0) continue;
    all.push_back({origin_of(static_cast<OriginIndex>(i)), counter.copies, counter.bytes});
  }
  std::sort(all.begin(), all.end(), [](const StackCopies& left, const StackCopies& right) {
    return left.bytes_out > right.bytes_out;
  });
  return all;
}

ControlBlock* SharedStacks::occupant_of(const PrivateStack& memory, bool& shared) noexcept {
  for (const SharedStack& stack : stacks_) {
    if (stack.memory != &memory) continue;
    shared = true;
    return stack.occupant;
  }
  if (checking()) {
    if (ControlBlock* user = checked_->user_of(const_cast<PrivateStack&>(memory))) {
      shared = true;
      return user;
    }
  }
  shared = false;
  return nullptr;
}

ControlBlock* user_of(PrivateStack& stack) noexcept {
  bool shared = false;
  if (thread_state.shared_stacks != nullptr) {
    ControlBlock* occupant = thread_state.shared_stacks->occupant_of(stack, shared);
    if (shared) return occupant;
  }
  ControlBlock& block = (static_cast<PrivateTop*>(stack.top()) - 1)->block;
  return block.state == CoroutineState::kDone ? nullptr : &block;
}

SharedStacks& thread_shared_stacks() noexcept {
  static thread_local KeptInExit<SharedStacks> stacks;
  return stacks.get();
}

std::vector<StackCopies> shared_stack_copies() {
  return thread_shared_stacks().copies();
}

}  // namespace colibri
