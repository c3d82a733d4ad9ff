#include "colibri/core/local.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

TEST(CoroutineLocal, EachCoroutineHasItsOwn) {
  run_in_scheduler([] {
    CoroutineLocal<int> number;
    *number = 1;
    auto other = spawn([&] {
      EXPECT_EQ(*number, 0);
      *number = 2;
      yield();
      return *number;
    });
    yield();
    EXPECT_EQ(*number, 1);
    EXPECT_EQ(other.join(), 2);
  });
}

TEST(CoroutineLocal, APlainThreadHasOne) {
  CoroutineLocal<std::string> word([] { return std::string("new"); });
  EXPECT_EQ(*word, "new");
  *word = "old";
  std::thread([&] { EXPECT_EQ(*word, "new"); }).join();
  Coroutine coroutine([&] { EXPECT_EQ(*word, "new"); });
  coroutine.resume();
  EXPECT_EQ(word->size(), 3U);
}

/// Writes down that it was destroyed.
struct Mourner {
  std::string* log = nullptr;
  char name = '?';
  ~Mourner() {
    if (log != nullptr) *log += name;
  }
  Mourner() = default;
  Mourner(Mourner&& other) noexcept : log(std::exchange(other.log, nullptr)), name(other.name) {}
};

TEST(CoroutineLocal, ValuesDieWithTheirCoroutineTheNewestFirst) {
  run_in_scheduler([] {
    CoroutineLocal<Mourner> first;
    CoroutineLocal<Mourner> second;
    std::string log;
    auto task = spawn([&] {
      first->log = &log;
      first->name = '1';
      second->log = &log;
      second->name = '2';
    });
    task.join();
    yield();
    EXPECT_EQ(log, "21");
  });
}

TEST(CoroutineLocal, DestructorsMayParkAndMakeValues) {
  run_in_scheduler([] {
    static CoroutineLocal<Mourner> late;
    static std::string log;
    log.clear();
    struct Sleeper {
      ~Sleeper() {
        yield();
        late->log = &log;
        late->name = 'L';
      }
      Sleeper() = default;
      Sleeper(Sleeper&&) noexcept {}
    };
    struct Holder {
      std::unique_ptr<Sleeper> sleeper;
    };
    CoroutineLocal<Holder> holder;
    go([&] { holder->sleeper = std::make_unique<Sleeper>(); });
    yield();
    EXPECT_EQ(log, "") << "parked in the destructor";
    yield();
    EXPECT_EQ(log, "L");
  });
}

TEST(CoroutineLocal, IsInheritedOnRequest) {
  run_in_scheduler([] {
    CoroutineLocal<std::string> trace(Inheritance::kCopy);
    CoroutineLocal<std::string> own;
    *trace = "request 7";
    *own = "mine";
    auto child = spawn([&] {
      EXPECT_EQ(*trace, "request 7");
      EXPECT_EQ(*own, "");
      *trace += ", child";
      return spawn([&] { return *trace; }).join();
    });
    *trace = "request 8";
    EXPECT_EQ(child.join(), "request 7, child");
    EXPECT_EQ(*trace, "request 8");
  });
}

TEST(CoroutineLocal, WhatACoroutineInheritedAndNeverRanWithIsDestroyed) {
  auto value = std::make_shared<int>(1);
  CoroutineLocal<std::shared_ptr<int>> shared(Inheritance::kCopy);
  Coroutine outer([&] {
    *shared = value;
    const Coroutine inner([] {});
    EXPECT_EQ(value.use_count(), 3);
  });
  outer.resume();
  EXPECT_EQ(value.use_count(), 1);
}

TEST(CoroutineLocal, AValueThatCannotBeMadeIsMadeLater) {
  bool fail = true;
  CoroutineLocal<int> number([&]() -> int {
    if (fail) throw std::runtime_error("not yet");
    return 3;
  });
  EXPECT_THROW(number.get(), std::runtime_error);
  fail = false;
  EXPECT_EQ(*number, 3);
}

}  // namespace
}  // namespace colibri
