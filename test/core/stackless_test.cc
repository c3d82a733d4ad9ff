// Coroutines of colibri wait for what C++20 coroutines wait for.
#include "colibri/core/stackless.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

/// What a C++20 coroutine waits for until somebody opens it. Copies are one gate.
template <class Result>
class Gate {
 public:
  bool await_ready() const noexcept { return state_->open; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { state_->waiting = handle; }
  Result await_resume() { return state_->result(); }

  explicit Gate(std::function<Result()> result) : state_(std::make_shared<State>()) {
    state_->result = std::move(result);
  }
  void open() {
    state_->open = true;
    if (state_->waiting) std::exchange(state_->waiting, {}).resume();
  }

 private:
  struct State {
    bool open = false;
    std::coroutine_handle<> waiting;
    std::function<Result()> result;
  };
  std::shared_ptr<State> state_;
};

TEST(Await, ReturnsAtOnceWhatIsReady) {
  run_in_scheduler([] {
    Gate<int> gate([] { return 5; });
    gate.open();
    bool other_ran = false;
    go([&] { other_ran = true; });
    EXPECT_EQ(await(Gate(gate)), 5);
    EXPECT_FALSE(other_ran);
    yield();
  });
}

TEST(Await, WaitsUntilItIsDone) {
  run_in_scheduler([] {
    Gate<std::string> gate([] { return std::string("done"); });
    go([gate]() mutable {
      yield();
      gate.open();
    });
    EXPECT_EQ(await(Gate(gate)), "done");
  });
}

TEST(Await, PassesOnNothingReferencesAndWhatCannotBeCopied) {
  run_in_scheduler([] {
    Gate<void> nothing([] {});
    nothing.open();
    await(Gate(nothing));
    int variable = 1;
    Gate<int&> reference([&]() -> int& { return variable; });
    reference.open();
    int& same = await(Gate(reference));
    EXPECT_EQ(&same, &variable);
    Gate<std::unique_ptr<int>> moved([] { return std::make_unique<int>(7); });
    moved.open();
    EXPECT_EQ(*await(Gate(moved)), 7);
  });
}

TEST(Await, RethrowsTheException) {
  run_in_scheduler([] {
    Gate<int> gate([]() -> int { throw std::runtime_error("not today"); });
    gate.open();
    EXPECT_THROW(await(Gate(gate)), std::runtime_error);
  });
}

struct ByMember {
  Gate<int> gate;
  Gate<int> operator co_await() const { return gate; }
};
struct ByFunction {
  Gate<int> gate;
};
Gate<int> operator co_await(const ByFunction& awaitable) {
  return awaitable.gate;
}

TEST(Await, AsksForTheAwaiterAsTheLanguageDoes) {
  run_in_scheduler([] {
    Gate<int> gate([] { return 3; });
    gate.open();
    EXPECT_EQ(await(ByMember{gate}), 3);
    EXPECT_EQ(await(ByFunction{gate}), 3);
  });
}

TEST(Await, AVariableStaysWhereItIs) {
  struct Pinned {
    explicit Pinned(Gate<int> inner) : gate(std::move(inner)) {}
    Pinned(const Pinned&) = delete;
    bool await_ready() const noexcept { return gate.await_ready(); }
    void await_suspend(std::coroutine_handle<> handle) { gate.await_suspend(handle); }
    const Pinned* await_resume() const noexcept { return this; }
    Gate<int> gate;
  };
  run_in_scheduler([] {
    Gate<int> gate([] { return 0; });
    const auto pinned = std::make_unique<Pinned>(gate);
    go([gate]() mutable { gate.open(); });
    EXPECT_EQ(await(*pinned), pinned.get());
  });
}

TEST(Await, MayBeFulfilledByAnotherThread) {
  run_in_scheduler([] {
    for (int i = 0; i < 20; ++i) {
      Gate<int> gate([i] { return i; });
      std::thread other;
      struct Starter {
        Gate<int> gate;
        std::thread* thread;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) {
          gate.await_suspend(handle);
          std::thread& started = *thread;  // this frame may be gone before the assignment
          started = std::thread([gate = gate]() mutable { gate.open(); });
        }
        int await_resume() { return gate.await_resume(); }
      };
      auto* thread = new std::thread;
      EXPECT_EQ(await(Starter{gate, thread}), i);
      thread->join();
      delete thread;
    }
  });
}

TEST(Await, BlocksAPlainThread) {
  Gate<int> gate([] { return 9; });
  gate.open();
  EXPECT_EQ(await(Gate(gate)), 9);
}

TEST(Await, CancelEndsTheWaitAndTheRestGoesOnUnobserved) {
  run_in_scheduler([] {
    Gate<int> gate([] { return 1; });
    auto waiting = spawn([gate] { await(Gate(gate)); });
    yield();
    waiting.cancel();
    EXPECT_THROW(waiting.join(), Canceled);
    gate.open();
  });
}

}  // namespace
}  // namespace colibri
