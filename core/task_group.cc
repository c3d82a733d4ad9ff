#include "colibri/core/task_group.h"

#include <algorithm>

#include "colibri/core/check.h"

namespace colibri {

TaskGroup::~TaskGroup() {
  state_->cancel();
  // One by one, since the group's own coroutines may spawn more while they are waited for.
  while (!state_->tasks.empty()) {
    const Task<void> task = std::move(state_->tasks.front());
    state_->tasks.pop_front();
  }
}

void TaskGroup::State::cancel() noexcept {
  stopping = true;
  for (Task<void>& task : tasks) task.cancel();
}

void TaskGroup::State::fail(std::exception_ptr error) noexcept {
  if (failure == nullptr) failure = std::move(error);
  cancel();
}

/// Lets go of those that have ended, now and then: a group may live as long as a server.
void TaskGroup::sweep() noexcept {
  // Whoever joins holds on to one of them.
  if (state_->joining || state_->tasks.size() < sweep_at_) return;
  state_->tasks.remove_if([](const Task<void>& task) { return task.done(); });
  sweep_at_ = std::max<std::size_t>(16, 2 * state_->tasks.size());
}

void TaskGroup::add(Task<void> task) {
  if (state_->stopping) task.cancel();
  state_->tasks.push_back(std::move(task));
}

void TaskGroup::join() {
  State& state = *state_;
  check(!state.joining, "two coroutines join one TaskGroup at the same time; only one may");
  struct Joining {
    State& state;
    explicit Joining(State& joined) : state(joined) { state.joining = true; }
    ~Joining() { state.joining = false; }
  };
  {
    const Joining joining(state);
    while (!state.tasks.empty()) {
      Task<void>& task = state.tasks.front();
      try {
        task.join();
      } catch (const Canceled&) {
        // The task's own if it has ended, and then no failure; otherwise the joiner's.
        if (task.joinable()) throw;
      }
      state.tasks.pop_front();
    }
  }
  state.stopping = false;
  if (state.failure != nullptr) std::rethrow_exception(std::exchange(state.failure, nullptr));
}

}  // namespace colibri
