// The C++20 coroutine type that most libraries have: it starts when it is awaited, and goes on with
// who awaits it when it ends. Nothing here knows of colibri.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

template <class T>
class Lazy {
 public:
  struct promise_type {
    std::optional<T> value;
    std::exception_ptr error;
    std::coroutine_handle<> awaiting = std::noop_coroutine();

    Lazy get_return_object() noexcept {
      return Lazy(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Continue {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(
            std::coroutine_handle<promise_type> ended) const noexcept {
          return ended.promise().awaiting;
        }
        void await_resume() const noexcept {}
      };
      return Continue();
    }
    void return_value(T result) { value.emplace(std::move(result)); }
    void unhandled_exception() noexcept { error = std::current_exception(); }
  };

  Lazy(Lazy&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Lazy& operator=(Lazy&&) = delete;
  ~Lazy() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().awaiting = awaiting;
    return handle_;
  }
  T await_resume() {
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
    return std::move(*handle_.promise().value);
  }

 private:
  explicit Lazy(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};
