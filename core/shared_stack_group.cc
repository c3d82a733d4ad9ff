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
  state_->indices.reserve(count);
  for (std::size_t index = 0; index < SharedStacks::kMostStacks; ++index) {
    if (state_->indices.size() == count) break;
    SharedStack& stack = table.stacks_[index];
    if (stack.memory != nullptr) continue;
    stack.memory = thread_stack_pool().acquire(bytes);
    stack.group = state_.get();
    state_->indices.push_back(static_cast<std::uint8_t>(index));
  }
  if (state_->indices.size() < count) {
    throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                            "a thread can have at most 255 shared stacks");
  }
}

std::size_t SharedStackGroup::stack_bytes() const noexcept {
  return thread_state.shared_stacks->stacks_[state_->indices.front()].memory->usable_bytes();
}

unsigned SharedStackGroup::count() const noexcept {
  return static_cast<unsigned>(state_->indices.size());
}

}  // namespace colibri
