// The bridge between colibri's coroutines, which have a stack, and C++20's, which have none.
//
// `await(awaitable)` waits in a stackful coroutine for anything that a C++20 coroutine can
// co_await. The other way, a C++20 coroutine of any type may write
//
//   co_await future                co_await std::move(task)
//   co_await receiving(channel)    co_await sleeping_for(100ms)
//
// on a thread that has a scheduler, and goes on there, in a coroutine of that scheduler: so between
// two awaits it may call blocking functions. To await one, start it by async: `co_await async(f)`.
//
// To be included by itself; needs a compiler with C++20's coroutines (g++ 12).
#pragma once

#include <chrono>
#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "colibri/core/channel.h"
#include "colibri/core/future.h"
#include "colibri/core/stackless_wait.h"

namespace colibri {

// co_await in stackful coroutines -----------------------------------------------------------------

/// What `co_await awaitable` asks, by the language's rules but for await_transform.
template <class Awaitable>
decltype(auto) awaiter_of(Awaitable&& awaitable) {
  if constexpr (requires { std::forward<Awaitable>(awaitable).operator co_await(); }) {
    return std::forward<Awaitable>(awaitable).operator co_await();
  } else if constexpr (requires { operator co_await(std::forward<Awaitable>(awaitable)); }) {
    return operator co_await(std::forward<Awaitable>(awaitable));
  } else {
    return std::forward<Awaitable>(awaitable);
  }
}

template <class T>
concept Awaitable = requires(T&& awaitable, std::coroutine_handle<> handle) {
  awaiter_of(std::forward<T>(awaitable)).await_ready();
  awaiter_of(std::forward<T>(awaitable)).await_suspend(handle);
  awaiter_of(std::forward<T>(awaitable)).await_resume();
};

/// What `co_await` yields of such a thing.
template <Awaitable T>
using AwaitResult = decltype(awaiter_of(std::declval<T>()).await_resume());

/// A C++20 coroutine that starts at once and belongs to nobody.
struct DetachedStackless {
  struct promise_type {
    DetachedStackless get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// How a result goes from one coroutine to another: a reference by its address.
template <class Result>
using Passed = std::conditional_t<std::is_lvalue_reference_v<Result>,
                                  std::add_pointer_t<std::remove_reference_t<Result>>,
                                  std::remove_cvref_t<Result>>;

/// `Given`: a value, moved into the coroutine's frame, or a reference.
template <class Given>
DetachedStackless fulfil(Given awaitable, Promise<Passed<AwaitResult<Given&&>>> promise) {
  using Result = AwaitResult<Given&&>;
  try {
    if constexpr (std::is_void_v<Result>) {
      co_await static_cast<Given&&>(awaitable);
      promise.set();
    } else {
      auto&& result = co_await static_cast<Given&&>(awaitable);
      if constexpr (std::is_lvalue_reference_v<Result>) {
        promise.set(std::addressof(result));
      } else {
        promise.set(std::forward<decltype(result)>(result));
      }
    }
  } catch (...) {
    promise.fail(std::current_exception());
  }
}

template <class T>
struct IsFuture : std::false_type {};
template <class T>
struct IsFuture<Future<T>> : std::true_type {};

/// Waits until `awaitable` is done, and returns its result or rethrows its exception: what co_await
/// is in a C++20 coroutine. Any coroutine, and any plain thread that others complete it for. Throws
/// std::bad_alloc besides.
///
/// A temporary is moved to the heap, and cancel and a TimeLimit end the wait; what it began goes on
/// to its end unobserved. A variable stays where it is, and the wait is ended by neither: it must
/// not lie on a shared stack.
template <class T>
requires Awaitable<T> AwaitResult<T> await(T&& awaitable) {
  using Result = AwaitResult<T>;
  Promise<Passed<Result>> promise;
  Future<Passed<Result>> future = promise.future();
  fulfil<T>(std::forward<T>(awaitable), std::move(promise));
  if constexpr (std::is_lvalue_reference_v<T>) {
    future.wait_regardless();
  } else {
    future.wait();
  }
  if constexpr (std::is_lvalue_reference_v<Result>) {
    return *future.take_ready();
  } else {
    return future.take_ready();
  }
}

// colibri's waits in C++20 coroutines -------------------------------------------------------------

/// The part of an awaiter that holds its wait. Frames may be destroyed while they wait, on the
/// scheduler's thread.
class StacklessWaitHolder {
 public:
  StacklessWaitHolder() noexcept = default;
  StacklessWaitHolder(StacklessWaitHolder&& other) noexcept
      : wait_(std::exchange(other.wait_, nullptr)) {}
  StacklessWaitHolder& operator=(StacklessWaitHolder&&) = delete;
  ~StacklessWaitHolder() {
    if (wait_ != nullptr) wait_->abandon();
  }

  StacklessWait& begin(std::coroutine_handle<> handle) {
    wait_ = StacklessWait::make(handle.address(), &resume);
    return *wait_;
  }
  StacklessWait* get() const noexcept { return wait_; }

  static void resume(void* frame) { std::coroutine_handle<>::from_address(frame).resume(); }

 private:
  StacklessWait* wait_ = nullptr;
};

/// Returned by `co_await future`.
template <class T>
class FutureAwaiter {
 public:
  /// `takes`: the result is the value itself, and not a copy.
  FutureAwaiter(Future<T> future, bool takes) noexcept
      : future_(std::move(future)), takes_(takes) {}
  FutureAwaiter(FutureAwaiter&&) noexcept = default;
  FutureAwaiter& operator=(FutureAwaiter&&) = delete;
  ~FutureAwaiter() {
    if (wait_.get() == nullptr) return;
    const BiasedGuard guard(state().lock);
    WaitPlace& place = wait_.get()->place;
    if (!place.queued) return;
    state().waiting.remove(place);
    wait_.get()->release();
  }

  bool await_ready() const noexcept { return future_.ready(); }
  bool await_suspend(std::coroutine_handle<> handle) {
    StacklessWait& wait = wait_.begin(handle);
    const BiasedGuard guard(state().lock);
    if (state().is_ready) return false;
    wait.hold();
    state().waiting.push_back(wait.place);
    return true;
  }
  T await_resume() {
    if constexpr (std::is_copy_constructible_v<T>) {
      if (!takes_) return copy_of_value();
    }
    return future_.take_ready();
  }

 private:
  FutureStateBase& state() const noexcept { return *future_.state_; }

  T copy_of_value() const {
    if (state().error != nullptr) std::rethrow_exception(state().error);
    return *future_.state_->value;
  }

  Future<T> future_;
  bool takes_;
  StacklessWaitHolder wait_;
};

/// Its result is a copy of the future's value, of one that is handed over the value itself; its
/// error is rethrown.
template <class T>
FutureAwaiter<T> operator co_await(const Future<T>& future) noexcept {
  static_assert(std::is_void_v<T> || std::is_copy_constructible_v<T>,
                "the value cannot be copied; co_await std::move(future) moves it out");
  return FutureAwaiter<T>(future, false);
}
template <class T>
FutureAwaiter<T> operator co_await(Future<T>&& future) noexcept {
  return FutureAwaiter<T>(std::move(future), true);
}

/// Joins the task, whose coroutine must be of the same scheduler. Unless that has ended already, a
/// coroutine is started to wait for it.
template <class T>
FutureAwaiter<T> operator co_await(Task<T>&& task) {
  if (!task.done()) {
    return FutureAwaiter<T>(async([task = std::move(task)]() mutable { return task.join(); }),
                            true);
  }
  Promise<T> promise;
  FutureAwaiter<T> awaiter(promise.future(), true);
  keep(promise, [&task] { return task.join(); });
  return awaiter;
}

/// Returned by receiving.
template <class T>
class ReceiveAwaiter {
 public:
  explicit ReceiveAwaiter(Channel<T> channel) noexcept : channel_(std::move(channel)) {}
  ReceiveAwaiter(ReceiveAwaiter&& other) noexcept
      : channel_(other.channel_), wait_(std::move(other.wait_)), slot_(other.slot_) {
    other.slot_ = nullptr;
  }
  ReceiveAwaiter& operator=(ReceiveAwaiter&&) = delete;
  ~ReceiveAwaiter() {
    if (slot_ != nullptr) leave();
  }

  bool await_ready() {
    BiasedGuard guard(state().lock);
    return try_receive(guard);
  }
  bool await_suspend(std::coroutine_handle<> handle) {
    StacklessWait& wait = wait_.begin(handle);
    BiasedGuard guard(state().lock);
    if (try_receive(guard)) return false;
    slot_ = &state().take_slot_locked(wait);
    wait.hold();
    state().receivers.push_back(*slot_);
    return true;
  }
  std::optional<T> await_resume() {
    if (slot_ != nullptr) {
      ChannelSlot<T>& slot = *std::exchange(slot_, nullptr);
      const BiasedGuard guard(state().lock);
      if (slot.value.has_value()) value_.emplace(std::move(*slot.value));
      state().put_back_locked(slot);
    }
    return std::move(value_);
  }

 private:
  ChannelState<T>& state() const noexcept { return *channel_.state_; }

  bool try_receive(BiasedGuard& guard) {
    return Channel<T>::finish(guard, [this](WaitPlace*& woken) {
             return state().try_receive_locked(value_, woken);
           }) != Transfer::kMustWait;
  }

  void leave() noexcept {
    const BiasedGuard guard(state().lock);
    if (!slot_->queued) {
      wait_.get()->keep(*slot_);
      return;
    }
    state().receivers.remove(*slot_);
    wait_.get()->release();
    state().put_back_locked(*slot_);
  }

  Channel<T> channel_;
  std::optional<T> value_;
  StacklessWaitHolder wait_;
  ChannelSlot<T>* slot_ = nullptr;
};

/// `co_await receiving(channel)`: the next value, or nothing once the channel is closed and empty;
/// see Channel::receive. A value that comes for a frame that is destroyed meanwhile is lost.
template <class T>
ReceiveAwaiter<T> receiving(const Channel<T>& channel) noexcept {
  return ReceiveAwaiter<T>(channel);
}

/// Returned by sleeping_until.
class SleepAwaiter {
 public:
  explicit SleepAwaiter(Deadline deadline) noexcept : deadline_(deadline) {}

  bool await_ready() const noexcept { return deadline_.has_passed(); }
  void await_suspend(std::coroutine_handle<> handle) {
    sleep_.emplace(handle.address(), &StacklessWaitHolder::resume, deadline_);
  }
  void await_resume() noexcept { sleep_.reset(); }

 private:
  Deadline deadline_;
  std::optional<StacklessSleep> sleep_;
};

/// `co_await sleeping_until(deadline)`; never early.
inline SleepAwaiter sleeping_until(Deadline deadline) noexcept {
  return SleepAwaiter(deadline);
}
inline SleepAwaiter sleeping_for(std::chrono::nanoseconds duration) noexcept {
  return SleepAwaiter(Deadline::after(duration));
}

}  // namespace colibri
