// A C++20 coroutine for the tests of those and colibri's together.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <coroutine>
#include <exception>
#include <utility>

#include "colibri/core/sleep.h"

namespace colibri::test {

/// A C++20 coroutine that starts at once and is destroyed with its owner, wherever it is by then.
class Stackless {
 public:
  struct promise_type {
    Stackless get_return_object() noexcept {
      return Stackless(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  explicit Stackless(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  Stackless(Stackless&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Stackless& operator=(Stackless&&) = delete;
  ~Stackless() {
    if (handle_) handle_.destroy();
  }
  bool done() const noexcept { return handle_.done(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

/// Lets others run until it has ended.
inline void yield_until_done(const Stackless& coroutine) {
  for (int i = 0; i < 100'000 && !coroutine.done(); ++i) sleep_for(std::chrono::microseconds(50));
  EXPECT_TRUE(coroutine.done());
}

}  // namespace colibri::test
