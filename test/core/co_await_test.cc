// C++20 coroutines wait for what is colibri's, and may be destroyed meanwhile.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/future.h"
#include "colibri/core/runtime.h"
#include "colibri/core/sleep.h"
#include "colibri/core/stackless.h"
#include "colibri/core/task.h"
#include "colibri/core/wait_group.h"
#include "test/core/stackless_coroutine.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;
using test::Stackless;
using test::yield_until_done;

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
