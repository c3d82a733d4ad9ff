#include "colibri/core/shared_stack_group.h"

#include <stdexcept>
#include <system_error>

namespace colibri {

SharedStackGroup::SharedStackGroup(unsigned count, std::size_t bytes) {
  if (count == 0) throw std::invalid_argument("a group of shared stacks needs at least one stack");
  SharedStacks& table = thread_shared_stacks();
  table.choose_mode();
  // Complete from the start: where there is no memory for the handle, it is dropped at once.
  state_ = std::shared_ptr<State>(new State(table), &State::drop_handles);
  for (SharedStack& stack : table.stacks_) {
    if (state_->count == count) break;
    if (stack.memory != nullptr) continue;
    stack.memory = thread_stack_pool().acquire(bytes);
    stack.memory->was_shared = true;
    state_->add(stack);
  }
  if (state_->count < count) {
    throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                            "a thread can have at most 255 shared stacks");
  }
}

std::size_t SharedStackGroup::stack_bytes() const noexcept {
  return state_->next->memory->usable_bytes();
}

unsigned SharedStackGroup::count() const noexcept {
  return state_->count;
}

}  // namespace colibri
