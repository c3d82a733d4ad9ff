// go and spawn: what they take, and in which order things run.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "colibri/core/coroutine_report.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

int add(int a, int b, int c) {
  return a + b + c;
}

TEST(Spawn, TakesUpToThreeArguments) {
  run_in_scheduler([] {
    EXPECT_EQ(spawn([] { return 1; }).join(), 1);
    EXPECT_EQ(spawn([](int a) { return a; }, 2).join(), 2);
    EXPECT_EQ(spawn([](int a, int b) { return a + b; }, 1, 2).join(), 3);
    EXPECT_EQ(spawn(add, 1, 2, 3).join(), 6);
    EXPECT_EQ(spawn(&add, 1, 2, 4).join(), 7);
  });
}

TEST(Go, TakesUpToThreeArguments) {
  run_in_scheduler([] {
    int sum = 0;
    go([&] { sum += 1; });
    go([&](int a) { sum += a; }, 10);
    go([&](int a, int b) { sum += a + b; }, 40, 60);
    go([](int& total, int b, int c) { total += b * c; }, std::ref(sum), 10, 100);
    yield();
    EXPECT_EQ(sum, 1'111);
  });
}

TEST(Spawn, WithOptionsTakesAnyNumberOfArguments) {
  run_in_scheduler([] {
    const auto sum = [](int a, int b, int c, int d, int e) { return a + b + c + d + e; };
    EXPECT_EQ(spawn(SpawnOptions{}, sum, 1, 2, 3, 4, 5).join(), 15);
    EXPECT_EQ(spawn(SpawnOptions{}, [] { return 0; }).join(), 0);
  });
}

TEST(Spawn, MovesWhatCannotBeCopied) {
  run_in_scheduler([] {
    auto task = spawn([](std::unique_ptr<int> value) { return value; }, std::make_unique<int>(5));
    EXPECT_EQ(*task.join(), 5);
    auto captured =
        spawn([value = std::make_unique<int>(6)]() mutable { return std::move(value); });
    EXPECT_EQ(*captured.join(), 6);
    int seen = 0;
    go([&](std::unique_ptr<int> value) { seen = *value; }, std::make_unique<int>(7));
    yield();
    EXPECT_EQ(seen, 7);
  });
}

TEST(Spawn, CopiesItsArgumentsAtOnce) {
  run_in_scheduler([] {
    std::string text = "before";
    auto copied = spawn([](const std::string& value) { return value; }, text);
    auto referred = spawn([](const std::string& value) { return value; }, std::cref(text));
    text = "after";
    EXPECT_EQ(copied.join(), "before");
    EXPECT_EQ(referred.join(), "after");
  });
}

TEST(Spawn, CallsMembers) {
  struct Counter {
    int value = 0;
    int increase(int by) { return value += by; }
  };
  run_in_scheduler([] {
    Counter counter;
    EXPECT_EQ(spawn(&Counter::increase, &counter, 3).join(), 3);
    EXPECT_EQ(counter.value, 3);
  });
}

TEST(Spawn, PassesOnNameSiteAndStackSize) {
  run_in_scheduler([] {
    const std::uint32_t line = __LINE__ + 1;
    auto task = spawn(SpawnOptions{.stack_bytes = 512 * 1024, .name = "worker"}, [line] {
      const ControlBlock& self = *thread_state.current;
      EXPECT_STREQ(self.name(), "worker");
      EXPECT_EQ(self.site().line, line);
      EXPECT_GT(private_stack_of(*thread_state.current).usable_bytes(), 500U * 1024);
      const std::string text = describe(self);
      EXPECT_NE(text.find("'worker'"), std::string::npos) << text;
      EXPECT_NE(text.find("spawn_test.cc:" + std::to_string(line)), std::string::npos) << text;
    });
    task.join();
  });
}

TEST(Spawn, NotesTheCallersPlaceInTheFormsWithoutOptions) {
  run_in_scheduler([] {
    std::uint32_t line = __LINE__ + 1;
    auto task = spawn([] { return thread_state.current->site(); });
    EXPECT_EQ(task.join().line, line);
    SpawnSite site;
    line = __LINE__ + 1;
    go([&](int) { site = thread_state.current->site(); }, 1);
    yield();
    EXPECT_EQ(site.line, line);
    EXPECT_NE(std::string(site.file).find("spawn_test.cc"), std::string::npos);
  });
}

TEST(Spawn, GivesEveryCoroutineAnIdOfItsOwn) {
  run_in_scheduler([] {
    const auto id = [] { return thread_state.current->id; };
    const std::uint64_t first = spawn(id).join();
    const std::uint64_t second = spawn(id).join();
    EXPECT_NE(first, 0U);
    EXPECT_NE(first, second);
    EXPECT_NE(second, thread_state.current->id);
  });
}

TEST(Spawn, ABadStackSizeIsThrownAndNothingStarts) {
  run_in_scheduler([] {
    bool ran = false;
    for (const std::size_t bytes : {kSmallestStackBytes - 1, kLargestStackBytes + 1}) {
      const SpawnOptions options{.stack_bytes = bytes};
      EXPECT_THROW(go(options, [&] { ran = true; }), std::invalid_argument);
      EXPECT_THROW((void)spawn(options, [&] { ran = true; }), std::invalid_argument);
    }
    yield();
    EXPECT_FALSE(ran);
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
  });
}

TEST(Spawn, WithoutMemoryForAStackThrowsAndNothingStarts) {
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "their shadow has no limit";
  if (kRunsOnValgrind) GTEST_SKIP() << "the limit would be Valgrind's, too";
  run_in_scheduler([] {
    bool ran = false;
    bool threw = false;
    rlimit before{};
    getrlimit(RLIMIT_AS, &before);
    const rlimit none{1, before.rlim_max};
    setrlimit(RLIMIT_AS, &none);
    try {
      go(SpawnOptions{.stack_bytes = kLargestStackBytes}, [&] { ran = true; });
    } catch (const std::system_error& error) {
      threw = error.code().value() == ENOMEM;
    }
    setrlimit(RLIMIT_AS, &before);
    EXPECT_TRUE(threw);
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
    EXPECT_EQ(spawn([] { return 3; }).join(), 3);
    EXPECT_FALSE(ran);
  });
}

TEST(Spawn, RunsOnlyOnceTheCallerGivesWay) {
  run_in_scheduler([] {
    bool ran = false;
    go([&] { ran = true; });
    EXPECT_FALSE(ran);
    yield();
    EXPECT_TRUE(ran);
  });
}

TEST(Spawn, CoroutinesRunInTheOrderInWhichTheyWereSpawned) {
  run_in_scheduler([] {
    std::string order;
    for (char name = 'a'; name <= 'e'; ++name) {
      go([&order, name] {
        order += name;
        yield();
        order += name;
      });
    }
    yield();
    EXPECT_EQ(order, "abcde");
    yield();
    EXPECT_EQ(order, "abcdeabcde");
  });
}

TEST(Spawn, WhatACoroutineSpawnsRunsAfterThoseThatWait) {
  run_in_scheduler([] {
    std::string order;
    go([&] {
      order += 'a';
      go([&] { order += 'c'; });
    });
    go([&] { order += 'b'; });
    yield();
    yield();
    EXPECT_EQ(order, "abc");
  });
}

TEST(Spawn, AtOnceItRunsBeforeItsSpawnerAndItsSpawnerBeforeOthers) {
  run_in_scheduler([] {
    const SpawnOptions at_once{.at_once = true};
    std::string order;
    go([&] { order += 'o'; });
    auto task = spawn(at_once, [&] {
      order += 'a';
      go(at_once, [&] { order += 'b'; });
      order += 'c';
      yield();
      order += 'e';
    });
    order += 'd';
    task.join();
    EXPECT_EQ(order, "abcdoe");
    EXPECT_EQ(spawn(at_once, [] { return 4; }).join(), 4);
  });
}

TEST(Spawn, AtOnceWithoutEndItStarvesNobody) {
  run_in_scheduler([] {
    bool other_ran = false;
    int spawned = 0;
    go([&] {
      sleep_for(std::chrono::milliseconds(1));
      other_ran = true;
    });
    while (!other_ran) go(SpawnOptions{.at_once = true}, [&] { ++spawned; });
    EXPECT_GT(spawned, 0);
  });
}

TEST(Spawn, DestroysTheFunctionWhenTheCoroutineEnds) {
  run_in_scheduler([] {
    const auto token = std::make_shared<int>(0);
    go([token] {});
    EXPECT_EQ(token.use_count(), 2);
    yield();
    EXPECT_EQ(token.use_count(), 1);
  });
}

TEST(SpawnDeathTest, WithoutASchedulerIsRefused) {
  EXPECT_DEATH(go([] {}),
               "colibri::go called on a thread without a scheduler; wrap main in "
               "colibri::run\\(\\)");
  EXPECT_DEATH((void)spawn([] {}), "colibri::spawn called on a thread without a scheduler");
}

}  // namespace
}  // namespace colibri
