// TaskGroup: coroutines that end with a scope.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <type_traits>
#include <utility>

#include "colibri/core/task.h"

namespace colibri {

/// Coroutines that belong together. The first to fail (to end by an exception other than Canceled)
/// cancels the rest. Destroying a group cancels those that still run and waits for their end,
/// whatever TimeLimit is in force: none outlives its scope.
///
/// Belongs to one scheduler's coroutines, as Task does. The group's own coroutines may spawn more
/// into it.
class TaskGroup {
 public:
  /// Throws std::bad_alloc.
  TaskGroup() : state_(std::make_shared<State>()) {}
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `function(arguments...)` as colibri::spawn does, as part of the group; what it returns
  /// is dropped. In a group that was cancelled or has failed, it starts cancelled. Errors as spawn.
  template <class Function, class... Arguments>
  requires std::invocable<std::decay_t<Function>, std::decay_t<Arguments>...>
  void spawn(const SpawnOptions& options, Function&& function, Arguments&&... arguments) {
    sweep();
    add(colibri::spawn(
        options,
        [state = state_, function = std::decay_t<Function>(std::forward<Function>(function)),
         ... arguments = std::decay_t<Arguments>(std::forward<Arguments>(arguments))]() mutable {
          try {
            std::invoke(std::move(function), std::move(arguments)...);
          } catch (const Canceled&) {
            throw;
          } catch (...) {
            if (is_forced_unwind()) throw;
            state->fail(std::current_exception());
          }
        }));
  }
  template <std::invocable F>
  void spawn(F&& f, SpawnSite site = SpawnSite::here()) {
    spawn(SpawnOptions{.site = site}, std::forward<F>(f));
  }
  template <class F, class A>
  requires std::invocable<std::decay_t<F>, std::decay_t<A>>
  void spawn(F&& f, A&& a, SpawnSite site = SpawnSite::here()) {
    spawn(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a));
  }
  template <class F, class A, class B>
  requires std::invocable<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>>
  void spawn(F&& f, A&& a, B&& b, SpawnSite site = SpawnSite::here()) {
    spawn(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a), std::forward<B>(b));
  }

  /// Waits until all have ended, also those spawned meanwhile; rethrows the first failure. The
  /// group can then be used anew. Throws Canceled and std::system_error (timed_out) as Task::join;
  /// the coroutines then go on. One coroutine at a time may join, and none of the group.
  void join();

  /// Cancels all that are in the group, and all that will be spawned into it. Does not wait.
  void cancel() noexcept { state_->cancel(); }

  /// True once the group was cancelled or one of its coroutines failed.
  bool stopping() const noexcept { return state_->stopping; }

 private:
  struct State {
    std::list<Task<void>> tasks;
    std::exception_ptr failure;  // the first
    bool stopping = false;
    bool joining = false;

    void cancel() noexcept;
    void fail(std::exception_ptr error) noexcept;
  };

  void sweep() noexcept;
  void add(Task<void> task);

  std::shared_ptr<State> state_;
  std::size_t sweep_at_ = 16;
};

}  // namespace colibri
