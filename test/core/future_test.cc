#include "colibri/core/future.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "colibri/core/actor.h"
#include "colibri/core/select.h"
#include "colibri/core/sleep.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(Future, GivesWhatThePromiseWasKeptWith) {
  run_in_scheduler([] {
    Promise<std::string> promise;
    const Future<std::string> future = promise.future();
    EXPECT_FALSE(future.ready());
    go([&] { promise.set("kept"); });
    EXPECT_EQ(future.get(), "kept");
    EXPECT_TRUE(future.ready());
    EXPECT_EQ(await(future), "kept") << "as often as wanted";
  });
}

TEST(Future, EverybodyWhoWaitsGetsIt) {
  run_in_scheduler([] {
    Promise<int> promise;
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 3; ++i) {
      tasks.push_back(spawn([future = promise.future()] { return await(future); }));
    }
    yield();
    promise.set(4);
    for (auto& task : tasks) EXPECT_EQ(task.join(), 4);
  });
}

TEST(Future, CarriesErrors) {
  run_in_scheduler([] {
    const auto failing = async([]() -> int { throw std::runtime_error("failed"); });
    EXPECT_THROW(await(failing), std::runtime_error);
    EXPECT_THROW(failing.get(), std::runtime_error);
    const Future<void> broken = Promise<void>().future();
    EXPECT_THROW(broken.get(), std::future_error);
  });
}

TEST(Future, AsyncAndAwaitMoveWhatCannotBeCopied) {
  run_in_scheduler([] {
    EXPECT_EQ(*await(async([](int n) { return std::make_unique<int>(n); }, 5)), 5);
    await(async([] { yield(); }));
  });
}

TEST(Future, ItsWaitsEnd) {
  run_in_scheduler([] {
    const Promise<int> promise;
    const Future<int> future = promise.future();
    EXPECT_FALSE(future.wait_for(milliseconds(1)));
    auto task = spawn([&] { return await(future); });
    yield();
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
    const TimeLimit limit(milliseconds(1));
    EXPECT_THROW(future.wait(), std::system_error);
  });
}

TEST(Future, WhenAllGathersValuesAndTheFirstError) {
  run_in_scheduler([] {
    const auto number = async([] {
      sleep_for(milliseconds(1));
      return 1;
    });
    const auto word = async([] { return std::string("one"); });
    const auto nothing = async([] {});
    const auto [n, w, v] = when_all(number, word, nothing);
    EXPECT_EQ(n, 1);
    EXPECT_EQ(w, "one");
    const auto failing = async([]() -> int { throw std::runtime_error("failed"); });
    EXPECT_THROW(when_all(failing, word), std::runtime_error);
  });
}

TEST(Future, WhenAnyTellsWhichCameFirst) {
  run_in_scheduler([] {
    Promise<int> slow;
    const auto late = slow.future();
    EXPECT_EQ(when_any(late, async([] { sleep_for(milliseconds(1)); })), 1U);
    slow.set(1);
    EXPECT_EQ(when_any(late), 0U);
  });
}

TEST(Future, IsACaseOfSelectBesideChannels) {
  run_in_scheduler([] {
    const Channel<int> numbers;
    Promise<int> promise;
    const auto future = promise.future();
    const auto wait = [&](std::chrono::nanoseconds patience) {
      return select(on_receive(numbers, [](int) {}), on_ready(future, [](const auto&) {}),
                    on_timeout(patience, [] {}));
    };
    EXPECT_EQ(wait(milliseconds(1)), 2U);
    go([&] { promise.set(1); });
    EXPECT_EQ(wait(hours(1)), 1U);
    EXPECT_EQ(wait(hours(1)), 1U);
  });
}

TEST(Future, CrossesThreads) {
  const std::size_t rounds = test::many_operations(2'000);
  run_in_scheduler([&] {
    const Channel<Promise<std::size_t>> requests;
    std::thread server([requests] {
      std::size_t count = 0;
      for (auto& request : requests) request.set(++count);
    });
    for (std::size_t i = 1; i <= rounds; ++i) {
      Promise<std::size_t> promise;
      const auto answer = promise.future();
      requests.send(std::move(promise));
      ASSERT_EQ(await(answer), i);
    }
    requests.close();
    server.join();
  });
}

TEST(FutureDeathTest, AKeptPromiseIsNotKeptAgain) {
  Promise<int> promise;
  promise.set(1);
  EXPECT_DEATH(promise.set(2), "Promise::set called on a promise that was kept already");
}

struct Deposit {
  int amount = 0;
  Promise<int> balance;
};

TEST(Actor, HandlesOneMessageAtATimeAndAnswers) {
  run_in_scheduler([] {
    const Actor<Deposit> account([balance = 0](Deposit message) mutable {
      balance += message.amount;
      yield();
      message.balance.set(balance);
    });
    const auto deposit = [](const Actor<Deposit>& to, int amount) {
      return to.ask<int>([&](Promise<int> reply) { return Deposit{amount, std::move(reply)}; });
    };
    EXPECT_EQ(deposit(account, 10), 10);
    auto other = spawn([account, deposit] { return deposit(account, 5); });
    EXPECT_EQ(other.join(), 15);
    std::thread([&] { EXPECT_TRUE(account.tell(Deposit{1, {}})); }).join();
    EXPECT_EQ(deposit(account, 0), 16);
  });
}

TEST(Actor, EndsWithItsLastHandleAfterWhatIsInItsMailbox) {
  run_in_scheduler([] {
    int sum = 0;
    {
      const Actor<int> adder([&](int number) { sum += number; });
      for (int i = 1; i <= 3; ++i) adder.tell(i);
      EXPECT_EQ(sum, 0);
    }
    yield();
    EXPECT_EQ(sum, 6);
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
  });
}

TEST(Actor, OneThatThrewLeavesNobodyWaiting) {
  run_in_scheduler([] {
    const Actor<Deposit> failing([](Deposit) { throw std::runtime_error("on purpose"); });
    auto second = spawn([&] {
      failing.ask<int>([](Promise<int> reply) { return Deposit{2, std::move(reply)}; });
    });
    EXPECT_THROW(failing.ask<int>([](Promise<int> reply) {
      return Deposit{1, std::move(reply)};
    }),
                 std::future_error);
    EXPECT_THROW(second.join(), std::future_error);
    EXPECT_FALSE(failing.tell(Deposit{3, {}}));
    failing.stop();
  });
}

}  // namespace
}  // namespace colibri
