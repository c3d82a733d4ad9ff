// Future<T>, Promise<T>, async, await, when_all, when_any: a value that will be there later.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "colibri/core/select_case.h"
#include "colibri/core/task.h"

namespace colibri {

/// The part of a future's state that does not depend on the type of its value.
class FutureStateBase {
 public:
  ~FutureStateBase();

  bool ready() noexcept;
  /// False when the deadline came first.
  bool wait_until(Deadline deadline);
  /// Ended neither by cancel nor by a TimeLimit.
  void wait_regardless() noexcept;
  /// After the value or the error has been put in its place, once. Wakes everybody.
  void complete() noexcept;

  static constexpr WaitedThing kThing{"future"};

  BiasedLock lock;
  WaitQueue waiting{kThing};  // empty once it is complete
  std::exception_ptr error;
  bool is_ready = false;
};

/// In place of a value where there is none.
struct NoValue {};

template <class T>
struct FutureState : FutureStateBase {
  std::optional<std::conditional_t<std::is_void_v<T>, NoValue, T>> value;
};

template <class T>
class FutureAwaiter;

/// Reads what a Promise wrote. A handle: copies wait for the same value; capture it by value. Any
/// coroutine of any scheduler and any plain thread.
///
/// Waits throw Canceled in a cancelled coroutine, and std::system_error (timed_out) when an
/// enclosing TimeLimit is over; the future can be waited for again.
template <class T>
class Future {
 public:
  /// True once there is a value or an error: no wait will wait.
  bool ready() const noexcept { return state_->ready(); }
  /// Waits until there is a value or an error.
  void wait() const { state_->wait_until(Deadline::never()); }
  /// The same, ended neither by cancel nor by a TimeLimit.
  void wait_regardless() const noexcept { state_->wait_regardless(); }
  /// False when the deadline came first.
  bool wait_until(Deadline deadline) const { return state_->wait_until(deadline); }
  bool wait_for(std::chrono::nanoseconds duration) const {
    return state_->wait_until(Deadline::after(duration));
  }

  /// Waits, and returns a reference to the value, which lives as long as any handle; rethrows the
  /// error if there is one.
  std::add_lvalue_reference_t<const T> get() const {
    wait();
    if (state_->error != nullptr) std::rethrow_exception(state_->error);
    if constexpr (!std::is_void_v<T>) return *state_->value;
  }
  /// The same, but moves the value out; to be called once, by one.
  T take() {
    wait();
    return take_ready();
  }
  /// The same for one that is ready: does not wait, and throws nothing but the error.
  T take_ready() {
    if (state_->error != nullptr) std::rethrow_exception(state_->error);
    if constexpr (!std::is_void_v<T>) return std::move(*state_->value);
  }

 private:
  template <class>
  friend class Promise;
  template <class, class>
  friend class ReadyCase;
  template <class>
  friend class FutureAwaiter;
  explicit Future(std::shared_ptr<FutureState<T>> state) : state_(std::move(state)) {}

  std::shared_ptr<FutureState<T>> state_;
};

/// std::future_error (broken_promise).
std::exception_ptr make_broken_promise() noexcept;

/// Writes the value of a Future, once, from wherever. Movable. One that is destroyed before it was
/// kept leaves std::future_error (broken_promise) to who waits.
template <class T>
class Promise {
 public:
  /// Throws std::bad_alloc.
  Promise() : state_(std::make_shared<FutureState<T>>()) {}
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    Promise dropped(std::move(*this));
    state_ = std::move(other.state_);
    return *this;
  }
  ~Promise() {
    if (state_ != nullptr) fail(make_broken_promise());
  }

  /// As many as wanted, before it is kept.
  Future<T> future() const {
    check(state_ != nullptr, "Promise::future called after the promise was kept");
    return Future<T>(state_);
  }

  /// Keeps the promise. Ends the process with a sentence if it was kept already.
  template <class... Value>
  requires std::constructible_from<std::conditional_t<std::is_void_v<T>, NoValue, T>, Value...>
  void set(Value&&... value) {
    check(state_ != nullptr, "Promise::set called on a promise that was kept already");
    state_->value.emplace(std::forward<Value>(value)...);
    std::exchange(state_, nullptr)->complete();
  }
  void fail(std::exception_ptr error) noexcept {
    check(state_ != nullptr, "Promise::fail called on a promise that was kept already");
    state_->error = std::move(error);
    std::exchange(state_, nullptr)->complete();
  }

 private:
  std::shared_ptr<FutureState<T>> state_;
};

/// Calls `function()` and keeps `promise` with what it returns or throws. Throws nothing; but if
/// the function ends the coroutine by pthread_exit, the promise is not kept.
template <class T, class Function>
void keep(Promise<T>& promise, Function&& function) {
  try {
    if constexpr (std::is_void_v<T>) {
      std::invoke(std::forward<Function>(function));
      promise.set();
    } else {
      promise.set(std::invoke(std::forward<Function>(function)));
    }
  } catch (...) {
    if (is_forced_unwind()) throw;
    promise.fail(std::current_exception());
  }
}

/// Starts `function(arguments...)` as colibri::go does, and returns the Future of its result.
/// Nobody owns the coroutine: with spawn, its Task does.
template <class Function, class... Arguments>
requires std::invocable<std::decay_t<Function>, std::decay_t<Arguments>...>
auto async(const SpawnOptions& options, Function&& function, Arguments&&... arguments) {
  using Result = std::invoke_result_t<std::decay_t<Function>, std::decay_t<Arguments>...>;
  Promise<Result> promise;
  Future<Result> future = promise.future();
  go(options,
     [promise = std::move(promise),
      function = std::decay_t<Function>(std::forward<Function>(function)),
      ... arguments = std::decay_t<Arguments>(std::forward<Arguments>(arguments))]() mutable {
       keep(promise, [&] { return std::invoke(std::move(function), std::move(arguments)...); });
     });
  return future;
}

/// The same without options.
template <std::invocable F>
auto async(F&& f, SpawnSite site = SpawnSite::here()) {
  return async(SpawnOptions{.site = site}, std::forward<F>(f));
}
template <class F, class A>
requires std::invocable<std::decay_t<F>, std::decay_t<A>>
auto async(F&& f, A&& a, SpawnSite site = SpawnSite::here()) {
  return async(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a));
}
template <class F, class A, class B>
requires std::invocable<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>>
auto async(F&& f, A&& a, B&& b, SpawnSite site = SpawnSite::here()) {
  return async(SpawnOptions{.site = site}, std::forward<F>(f), std::forward<A>(a),
               std::forward<B>(b));
}

/// Waits for `future`, and returns a copy of its value; of one that is handed over, the value
/// itself. Rethrows its error.
template <class T>
T await(const Future<T>& future) {
  return future.get();
}
template <class T>
T await(Future<T>&& future) {
  return future.take();
}

/// Waits for all, and returns their values; the first error of those that come first in the list is
/// rethrown once all are there. A void future's value is a NoValue.
template <class... T>
auto when_all(const Future<T>&... futures) {
  (futures.wait(), ...);
  const auto value_of = []<class Value>(const Future<Value>& future) {
    if constexpr (std::is_void_v<Value>) {
      future.get();
      return NoValue();
    } else {
      return future.get();
    }
  };
  return std::tuple{value_of(futures)...};
}

/// A case for select: goes ahead once `future` is ready, and calls `function(future)`.
template <class T, class Function>
class ReadyCase final : public SelectCase {
 public:
  ReadyCase(Future<T> future, Function function)
      : future_(std::move(future)), function_(std::move(function)) {}

  BiasedLock* lock() noexcept override { return &future_.state_->lock; }
  Transfer try_locked(WaitPlace*&) noexcept override {
    return future_.state_->is_ready ? Transfer::kDone : Transfer::kMustWait;
  }
  void prepare_locked(Waiter& waiter, std::uint32_t index) override {
    place_ = std::make_unique<WaitPlace>();
    place_->waiter = &waiter;
    place_->index = index;
    place_->one_of_several = true;
  }
  void join_locked() noexcept override {
    place_->waiter->join(*place_, future_.state_->waiting, future_.state_->lock);
  }
  Transfer leave_locked(bool won) noexcept override {
    if (place_ != nullptr && place_->queued) future_.state_->waiting.remove(*place_);
    place_ = nullptr;
    return won ? Transfer::kDone : Transfer::kMustWait;
  }
  void run() override { std::invoke(function_, future_); }

 private:
  Future<T> future_;
  Function function_;
  std::unique_ptr<WaitPlace> place_;  // in the heap, during a wait
};

/// A case of select: calls `function(future)` once there is a value or an error.
template <class T, class Function>
ReadyCase<T, Function> on_ready(const Future<T>& future, Function function) {
  return {future, std::move(function)};
}

/// Waits until one of the futures is ready, with a value or an error, and returns its index.
template <class... T>
std::size_t when_any(const Future<T>&... futures) {
  static_assert(sizeof...(futures) > 0, "when_any needs a future");
  const auto nothing = [](const auto&) {};
  const auto wait = [](auto&&... cases) {
    SelectCase* const all[] = {&cases...};
    BiasedLock* locks[sizeof...(cases)];
    return select_among(all, locks);
  };
  return wait(on_ready(futures, nothing)...);
}

}  // namespace colibri
