// Starting coroutines: `go` forgets, `spawn` owns.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "colibri/core/canceled.h"
#include "colibri/core/check.h"
#include "colibri/core/coroutine_exit.h"
#include "colibri/core/launch.h"
#include "colibri/core/scheduler.h"

namespace colibri {

/// What a coroutine and its Task share. Lies in the heap; one thread's.
struct TaskStateBase {
  ControlBlock* coroutine = nullptr;  // null once it has ended
  std::exception_ptr error;
  WaitList joiners;

  /// True once the coroutine will not run any more: it has returned, was abandoned at the end of
  /// its run, or lives on only in the parent of this forked process.
  bool ended() const noexcept {
    return coroutine == nullptr || coroutine->state == CoroutineState::kDone;
  }

  /// Parks until the coroutine has ended.
  WakeReason wait(Deadline deadline, bool may_fail) noexcept;
  /// Called by the coroutine as its last act.
  void finish() noexcept;

  /// Whom `joiner`, which is parked in wait(), waits for; null once that has ended. On their
  /// thread.
  static const ControlBlock* joined_by(const ControlBlock& joiner) noexcept;
};

template <class Result>
struct TaskState : TaskStateBase {
  std::optional<Result> result;
};

template <>
struct TaskState<void> : TaskStateBase {};

/// Throws std::system_error (owner_dead): the coroutine ended by pthread_exit.
[[noreturn]] void refuse_without_result();

/// A coroutine that somebody owns. Movable. All methods belong to the thread that spawned it, and
/// those that wait to its coroutines.
///
/// Destroying a Task that was not joined cancels the coroutine and waits for its end, whatever
/// TimeLimit is in force; an exception that it threw is then dropped.
template <class Result>
class [[nodiscard]] Task {
 public:
  /// Owns nothing.
  Task() noexcept = default;
  explicit Task(std::shared_ptr<TaskState<Result>> state) noexcept : state_(std::move(state)) {}
  Task(Task&&) noexcept = default;
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Task() { reset(); }

  /// True until the result has been fetched.
  bool joinable() const noexcept { return state_ != nullptr; }
  /// True when the coroutine has ended, so that join will not wait.
  bool done() const noexcept { return state_ != nullptr && state_->ended(); }

  /// Waits for the coroutine's end; returns its result or rethrows what it threw. Throws Canceled
  /// when the joiner is cancelled, std::system_error (timed_out) when its TimeLimit is over: the
  /// Task then still owns the coroutine. Throws std::system_error (owner_dead) for a coroutine that
  /// was abandoned or did not come along through a fork, and for one that should have returned a
  /// value but called pthread_exit. One coroutine at a time may join.
  Result join() {
    check(joinable(), "Task::join called on a task that was joined already or owns nothing");
    throw_if_failed(state_->wait(Deadline::never(), true), "Task::join");
    const auto state = std::move(state_);
    if (state->coroutine != nullptr) {
      throw std::system_error(std::make_error_code(std::errc::owner_dead), "Task::join");
    }
    if (state->error) std::rethrow_exception(state->error);
    if constexpr (!std::is_void_v<Result>) {
      if (!state->result.has_value()) refuse_without_result();
      return std::move(*state->result);
    }
  }

  /// Names the coroutine, for people who look inside; a copy. No effect once it has ended. Throws
  /// std::bad_alloc.
  void set_name(std::string_view name) {
    if (state_ != nullptr && !state_->ended()) colibri::set_name(*state_->coroutine, name);
  }

  /// From now on every blocking call of the coroutine that may fail does so: hooked ones with
  /// ECANCELED, colibri's own by throwing Canceled. Does not wait.
  void cancel() noexcept {
    if (state_ != nullptr && !state_->ended()) {
      thread_state.scheduler->cancel(*state_->coroutine);
    }
  }

 private:
  void reset() noexcept {
    if (state_ == nullptr) return;
    cancel();
    state_->wait(Deadline::never(), false);
    state_ = nullptr;
  }

  std::shared_ptr<TaskState<Result>> state_;
};

/// Starts `function(arguments...)` as a coroutine of this thread's scheduler and forgets it.
/// Function and arguments are copied or moved, as std::thread does; use std::ref for a reference,
/// and mind that what it refers to must outlive the coroutine. It runs once the caller parks or
/// yields. An exception that escapes is logged and ends that coroutine only.
///
/// Errors: std::system_error when there is no memory for a stack, std::invalid_argument for a bad
/// size; nothing was started then. May be called outside a coroutine only where a scheduler is.
template <class Function, class... Arguments>
requires std::invocable<std::decay_t<Function>, std::decay_t<Arguments>...>
void go(const SpawnOptions& options, Function&& function, Arguments&&... arguments) {
  Scheduler& scheduler = Scheduler::current("colibri::go");
  auto call = [function = std::decay_t<Function>(std::forward<Function>(function)),
               ... arguments =
                   std::decay_t<Arguments>(std::forward<Arguments>(arguments))]() mutable {
    std::invoke(std::move(function), std::move(arguments)...);
  };
  scheduler.start(scheduler.make(options, std::move(call)), options.at_once);
}

/// Starts `function(arguments...)` as go does, and returns the Task that owns it and will hold its
/// result.
template <class Function, class... Arguments>
requires std::invocable<std::decay_t<Function>, std::decay_t<Arguments>...>
auto spawn(const SpawnOptions& options, Function&& function, Arguments&&... arguments) {
  using Result = std::invoke_result_t<std::decay_t<Function>, std::decay_t<Arguments>...>;
  Scheduler& scheduler = Scheduler::current("colibri::spawn");
  auto state = std::make_shared<TaskState<Result>>();
  auto call = [state, function = std::decay_t<Function>(std::forward<Function>(function)),
               ... arguments =
                   std::decay_t<Arguments>(std::forward<Arguments>(arguments))]() mutable {
    try {
      if constexpr (std::is_void_v<Result>) {
        std::invoke(std::move(function), std::move(arguments)...);
      } else {
        state->result.emplace(std::invoke(std::move(function), std::move(arguments)...));
      }
    } catch (...) {
      state->error = std::current_exception();
      if (is_forced_unwind()) {
        state->finish();
        throw;
      }
    }
    state->finish();
  };
  ControlBlock& block = scheduler.make(options, std::move(call));
  state->coroutine = &block;
  scheduler.start(block, options.at_once);
  return Task<Result>(std::move(state));
}

/// The same without options. (A parameter pack must stand last, and so must the default argument
/// that notes where the caller stands: hence one overload a number of arguments.)
template <std::invocable F>
void go(F&& f, SpawnSite site = SpawnSite::here()) {
  go(SpawnOptions{.site = site}, std::forward<F>(f));
}
template <class F, class A>
requires std::invocable<std::decay_t<F>, std::decay_t<A>>
void go(F&& f, A&& a, SpawnSite site = SpawnSite::here()) {
  go(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a));
}
template <class F, class A, class B>
requires std::invocable<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>>
void go(F&& f, A&& a, B&& b, SpawnSite site = SpawnSite::here()) {
  go(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a), std::forward<B>(b));
}
template <class F, class A, class B, class C>
requires std::invocable<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>, std::decay_t<C>>
void go(F&& f, A&& a, B&& b, C&& c, SpawnSite site = SpawnSite::here()) {
  go(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a), std::forward<B>(b),
     std::forward<C>(c));
}
template <std::invocable F>
auto spawn(F&& f, SpawnSite site = SpawnSite::here()) {
  return spawn(SpawnOptions{.site = site}, std::forward<F>(f));
}
template <class F, class A>
requires std::invocable<std::decay_t<F>, std::decay_t<A>>
auto spawn(F&& f, A&& a, SpawnSite site = SpawnSite::here()) {
  return spawn(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a));
}
template <class F, class A, class B>
requires std::invocable<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>>
auto spawn(F&& f, A&& a, B&& b, SpawnSite site = SpawnSite::here()) {
  return spawn(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a),
               std::forward<B>(b));
}
template <class F, class A, class B, class C>
requires std::invocable<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>, std::decay_t<C>>
auto spawn(F&& f, A&& a, B&& b, C&& c, SpawnSite site = SpawnSite::here()) {
  return spawn(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a),
               std::forward<B>(b), std::forward<C>(c));
}

}  // namespace colibri
