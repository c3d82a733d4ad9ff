// C++20 coroutines and colibri's, each waiting for the other.
#include "colibri/core/stackless.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "colibri/core/runtime.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/wait_group.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

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

void yield_until_done(const Stackless& coroutine) {
  for (int i = 0; i < 100'000 && !coroutine.done(); ++i) sleep_for(std::chrono::microseconds(50));
  EXPECT_TRUE(coroutine.done());
}

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

// Stackful waits for stackless --------------------------------------------------------------------

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

// Stackless waits for stackful --------------------------------------------------------------------

TEST(CoAwaitFuture, GoesOnWhenTheValueIsThere) {
  run_in_scheduler([] {
    Promise<int> promise;
    int seen = 0;
    const auto waits = [](Future<int> future, int& out) -> Stackless { out = co_await future; };
    const Stackless first = waits(promise.future(), seen);
    int seen_too = 0;
    const Stackless second = waits(promise.future(), seen_too);
    yield();
    EXPECT_FALSE(first.done());
    promise.set(4);
    yield_until_done(first);
    yield_until_done(second);
    EXPECT_EQ(seen, 4);
    EXPECT_EQ(seen_too, 4);
  });
}

TEST(CoAwaitFuture, DoesNotStopForOneThatIsReady) {
  run_in_scheduler([] {
    Promise<void> promise;
    const Future<void> future = promise.future();
    promise.set();
    const Stackless coroutine = [](Future<void> ready) -> Stackless { co_await ready; }(future);
    EXPECT_TRUE(coroutine.done());
  });
}

TEST(CoAwaitFuture, RethrowsItsErrorAndMovesOutWhatIsHandedOver) {
  run_in_scheduler([] {
    bool caught = false;
    const Stackless failing = [](Future<int> future, bool& out) -> Stackless {
      try {
        co_await future;
      } catch (const std::runtime_error&) {
        out = true;
      }
    }(async([]() -> int { throw std::runtime_error("no"); }), caught);
    yield_until_done(failing);
    EXPECT_TRUE(caught);
    int value = 0;
    const Stackless moving = [](Future<std::unique_ptr<int>> future, int& out) -> Stackless {
      out = *co_await std::move(future);
    }(async([] { return std::make_unique<int>(6); }), value);
    yield_until_done(moving);
    EXPECT_EQ(value, 6);
  });
}

TEST(CoAwaitFuture, GoesOnOnItsOwnThreadInACoroutine) {
  run_in_scheduler([] {
    struct Seen {
      std::thread::id thread;
      bool in_coroutine = false;
    } seen;
    Promise<int> promise;
    const Stackless coroutine = [](Future<int> future, Seen& out) -> Stackless {
      co_await future;
      out = {std::this_thread::get_id(), can_park()};
    }(promise.future(), seen);
    std::thread([promise = std::move(promise)]() mutable { promise.set(1); }).join();
    yield_until_done(coroutine);
    EXPECT_EQ(seen.thread, std::this_thread::get_id());
    EXPECT_TRUE(seen.in_coroutine);
  });
}

TEST(CoAwaitFuture, OneThatBlocksHoldsUpNoOther) {
  run_in_scheduler([] {
    Promise<void> go_on;
    Promise<void> released;
    const auto waits = [](Future<void> first, Future<void> second) -> Stackless {
      co_await first;
      second.wait();  // blocks the carrier
    };
    std::vector<Stackless> blocked;
    for (int i = 0; i < 5; ++i) blocked.push_back(waits(go_on.future(), released.future()));
    const Stackless releasing = [](Future<void> first, Promise<void> then) -> Stackless {
      co_await first;
      then.set();
    }(go_on.future(), std::move(released));
    go_on.set();
    yield_until_done(releasing);
    for (const Stackless& each : blocked) yield_until_done(each);
  });
}

TEST(CoAwaitTask, JoinsItWhetherItHasEndedOrNot) {
  run_in_scheduler([] {
    const auto joins = [](Task<std::unique_ptr<int>> task, int& out) -> Stackless {
      out = *co_await std::move(task);
    };
    int early = 0;
    const Stackless waiting = joins(spawn([] {
                                      yield();
                                      return std::make_unique<int>(1);
                                    }),
                                    early);
    auto ended = spawn([] { return std::make_unique<int>(2); });
    while (!ended.done()) yield();
    int late = 0;
    const Stackless ready = joins(std::move(ended), late);
    EXPECT_TRUE(ready.done());
    EXPECT_EQ(late, 2);
    yield_until_done(waiting);
    EXPECT_EQ(early, 1);
    bool caught = false;
    const Stackless failing = [](Task<void> task, bool& out) -> Stackless {
      try {
        co_await std::move(task);
      } catch (const std::runtime_error&) {
        out = true;
      }
    }(spawn([] { throw std::runtime_error("no"); }), caught);
    yield_until_done(failing);
    EXPECT_TRUE(caught);
  });
}

Stackless collect(Channel<int> numbers, std::vector<int>& out) {
  while (const std::optional<int> number = co_await receiving(numbers)) out.push_back(*number);
}

TEST(CoAwaitReceiving, GetsEveryValueInOrderUntilTheChannelIsClosed) {
  for (const std::size_t capacity : {0, 3}) {
    run_in_scheduler([capacity] {
      const Channel<int> numbers(capacity);
      std::vector<int> seen;
      const Stackless receiver = collect(numbers, seen);
      std::vector<int> sent;
      for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(numbers.send(i));
        sent.push_back(i);
      }
      numbers.close();
      yield_until_done(receiver);
      EXPECT_EQ(seen, sent);
    });
  }
}

TEST(CoAwaitReceiving, SharesAChannelWithOtherThreads) {
  run_in_scheduler([] {
    const Channel<int> numbers;
    std::vector<int> seen[3];
    std::vector<Stackless> receivers;
    for (auto& each : seen) receivers.push_back(collect(numbers, each));
    Runtime runtime(2);
    const WaitGroup senders;
    senders.add(2);
    for (int sender = 0; sender < 2; ++sender) {
      runtime.go([numbers, senders] {
        for (int i = 1; i <= 200; ++i) numbers.send(i);
        senders.done();
      });
    }
    senders.wait();
    numbers.close();
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
      yield_until_done(receivers[static_cast<std::size_t>(i)]);
      for (const int number : seen[i]) sum += number;
    }
    EXPECT_EQ(sum, 2 * 20'100);
  });
}

TEST(CoAwaitSleeping, IsNeverEarlyAndKeepsOrder) {
  run_in_scheduler([] {
    std::vector<int> order;
    const auto sleeps = [](int length, std::vector<int>& out) -> Stackless {
      const auto start = std::chrono::steady_clock::now();
      co_await sleeping_for(milliseconds(length));
      EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(length));
      out.push_back(length);
    };
    const Stackless late = sleeps(30, order);
    const Stackless early = sleeps(10, order);
    const Stackless at_once = sleeps(0, order);
    EXPECT_TRUE(at_once.done());
    yield_until_done(late);
    EXPECT_EQ(order, (std::vector<int>{0, 10, 30}));
  });
}

// Frames that are destroyed while they wait -------------------------------------------------------

TEST(StacklessFrame, MayBeDestroyedWhileItWaits) {
  run_in_scheduler([] {
    Promise<int> promise;
    const Channel<int> numbers;
    std::vector<int> seen;
    {
      const Stackless at_future = [](Future<int> future) -> Stackless {
        co_await future;
        ADD_FAILURE() << "it was destroyed";
      }(promise.future());
      const Stackless at_channel = collect(numbers, seen);
      const Stackless asleep = []() -> Stackless { co_await sleeping_for(milliseconds(5)); }();
      yield();
    }
    promise.set(1);
    EXPECT_FALSE(numbers.try_send(5)) << "nobody receives any more";
    sleep_for(milliseconds(10));
    EXPECT_TRUE(seen.empty());
  });
}

TEST(StacklessFrame, MayBeDestroyedWhileItsWakeIsOnItsWay) {
  run_in_scheduler([] {
    Promise<int> promise;
    const Channel<int> numbers;
    std::vector<int> seen;
    std::vector<int> seen_by_next;
    {
      const Stackless at_future = [](Future<int> future) -> Stackless {
        co_await future;
        ADD_FAILURE() << "it was destroyed";
      }(promise.future());
      const Stackless at_channel = collect(numbers, seen);
      std::thread([numbers, promise = std::move(promise)]() mutable {
        promise.set(1);
        EXPECT_TRUE(numbers.try_send(5));
      }).join();
    }
    const Stackless next = collect(numbers, seen_by_next);
    EXPECT_TRUE(numbers.send(6));
    numbers.close();
    yield_until_done(next);
    EXPECT_TRUE(seen.empty());
    EXPECT_EQ(seen_by_next, std::vector<int>{6}) << "a slot of another's is not used for it";
  });
}

TEST(StacklessFrame, MayOutliveItsScheduler) {
  Promise<int> promise;
  const Channel<int> numbers;
  std::vector<int> seen;
  std::vector<Stackless> waiting;
  run_in_scheduler([&] {
    waiting.push_back([](Future<int> future) -> Stackless {
      co_await future;
      ADD_FAILURE() << "there is nobody to call it";
    }(promise.future()));
    waiting.push_back(collect(numbers, seen));
    waiting.push_back([]() -> Stackless { co_await sleeping_for(hours(1)); }());
    yield();
  });
  promise.set(1);
  numbers.try_send(2);
  for (const Stackless& each : waiting) EXPECT_FALSE(each.done());
  // Others wait on the thread's next scheduler.
  run_in_scheduler([] {
    const Stackless next = []() -> Stackless { co_await sleeping_for(milliseconds(1)); }();
    yield_until_done(next);
  });
}

TEST(StacklessDeathTest, NeedsAScheduler) {
  EXPECT_DEATH(
      {
        Promise<int> promise;
        const Stackless coroutine = [](Future<int> future) -> Stackless {
          co_await future;
        }(promise.future());
      },
      "co_await on something of colibri's called on a thread without a scheduler");
}

}  // namespace
}  // namespace colibri
