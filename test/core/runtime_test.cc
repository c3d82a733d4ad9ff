// Several schedulers: placement, posts, and the end.
#include "colibri/core/runtime.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "colibri/core/channel.h"
#include "colibri/core/mutex.h"
#include "colibri/core/sleep.h"
#include "colibri/core/wait_group.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class RuntimeTest : public testing::Test {
  test::DescriptorLeakCheck leaks_;
};

TEST_F(RuntimeTest, PlacesInTurn) {
  Runtime runtime(3);
  std::multiset<std::thread::id> threads;
  for (int i = 0; i < 9; ++i) {
    threads.insert(runtime.async([] { return std::this_thread::get_id(); }).get());
  }
  for (std::thread::id id : threads) EXPECT_EQ(threads.count(id), 3U);
  EXPECT_EQ(threads.count(std::this_thread::get_id()), 0U);
}

TEST_F(RuntimeTest, PlacesWhereTheFewestAre) {
  Runtime runtime(RuntimeOptions{.threads = 2, .placement = Placement::kLeastLoaded});
  const Event stop;
  for (int i = 0; i < 6; ++i) runtime.go([stop] { stop.wait(); });
  EXPECT_EQ(runtime.load(0), 3U);
  EXPECT_EQ(runtime.load(1), 3U);
  stop.set();
}

TEST_F(RuntimeTest, PostsToTheOneNamed) {
  Runtime runtime(2);
  Promise<bool> promise;
  const auto there = promise.future();
  const SchedulerHandle second = runtime.scheduler(1);
  EXPECT_FALSE(second.is_current());
  post(second, [second, promise = std::move(promise)]() mutable {
    yield();  // a coroutine of its own, so it may park
    promise.set(second.is_current() && second == SchedulerHandle::current());
  });
  EXPECT_TRUE(there.get());
}

TEST_F(RuntimeTest, APostAfterTheEndIsDestroyedUncalled) {
  auto value = std::make_shared<int>(1);
  std::unique_ptr<SchedulerHandle> ended;
  {
    Runtime runtime(1);
    ended = std::make_unique<SchedulerHandle>(runtime.scheduler(0));
  }
  post(*ended, [value] {});
  EXPECT_EQ(value.use_count(), 1) << "destroyed uncalled";
}

TEST_F(RuntimeTest, ItsEndCancelsAndUnwindsEverybody) {
  std::atomic<int> unwound{0};
  {
    Runtime runtime(RuntimeOptions{.threads = 2, .pinned = true});
    const WaitGroup begun;
    begun.add(4);
    for (int i = 0; i < 4; ++i) {
      runtime.go([&unwound, begun] {
        struct Guard {
          std::atomic<int>& count;
          ~Guard() { ++count; }
        } guard{unwound};
        begun.done();
        sleep_for(hours(1));
      });
    }
    begun.wait();
  }
  EXPECT_EQ(unwound, 4);
}

TEST_F(RuntimeTest, ErrorsTravelInFutures) {
  Runtime runtime(1);
  const auto failing =
      runtime.async([](int n) -> int { throw std::out_of_range(std::to_string(n)); }, 7);
  EXPECT_THROW(failing.get(), std::out_of_range);
}

TEST_F(RuntimeTest, MayBeOwnedByACoroutineOfAnotherScheduler) {
  test::run_in_scheduler([] {
    bool others_ran = false;
    auto task = spawn([&] {
      Runtime runtime(2);
      const auto sleeping = runtime.async([] { sleep_for(milliseconds(2)); });
      sleeping.wait();
      EXPECT_TRUE(others_ran);
    });
    go([&] { others_ran = true; });
    task.join();
  });
}

TEST_F(RuntimeTest, WhatEverybodySharesStaysWhole) {
  const std::size_t each = test::many_operations(2'000);
  Runtime runtime(2);
  Mutex mutex;
  std::map<std::size_t, std::size_t> counts;
  const Channel<std::size_t> numbers(8);
  const WaitGroup senders;
  const WaitGroup receivers;
  senders.add(4);
  receivers.add(4);
  for (int i = 0; i < 4; ++i) {
    runtime.go([=] {
      for (std::size_t n = 0; n < each; ++n) numbers.send(n);
      senders.done();
    });
    runtime.go([&mutex, &counts, numbers, receivers] {
      for (std::size_t n : numbers) {
        const std::lock_guard lock(mutex);
        ++counts[n];
      }
      receivers.done();
    });
  }
  senders.wait();
  numbers.close();
  receivers.wait();
  EXPECT_EQ(counts.size(), each);
  for (const auto& [number, count] : counts) ASSERT_EQ(count, 4U) << number;
}

}  // namespace
}  // namespace colibri
