#include "colibri/core/inspect/stack_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {

// External names, so that every unwinder can find them.

/// Parks with `word` on its stack, and a little more below it.
[[gnu::noinline]] void park_with_word(const ControlBlock*& self, std::uintptr_t word) {
  volatile std::uintptr_t kept = word;
  self = thread_state.current;
  yield();
  yield();
  asm volatile("" : : "r"(&kept) : "memory");
}

[[gnu::noinline]] void raise_signal() {
  raise(SIGUSR1);
  asm volatile("" : : : "memory");
}

namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr std::uintptr_t kWord = 0x5eed5eed5eed5eed;
constexpr std::uintptr_t kOther = 0x0ddba110ddba1100;

std::vector<std::string> names_of(const Backtrace& backtrace) {
  std::vector<std::string> names;
  for (const StackFrame& frame : backtrace) names.push_back(frame.function);
  return names;
}

/// Of the two coroutines, the second one has the first one's place on a shared stack.
void look_at_parked() {
  const ControlBlock* first = nullptr;
  const ControlBlock* second = nullptr;
  auto one = spawn([&] { park_with_word(first, kWord); });
  auto other = spawn([&] { park_with_word(second, kOther); });
  yield();
  const auto copy = std::make_unique<StackCopy>();
  for (const auto& [coroutine, its, others] :
       {std::tuple{first, kWord, kOther}, std::tuple{second, kOther, kWord}}) {
    ASSERT_NE(coroutine, nullptr);
    ASSERT_TRUE(copy_parked(*copy, *coroutine));
    EXPECT_TRUE(holds_word(*copy, its));
    EXPECT_FALSE(holds_word(*copy, others));
    EXPECT_THAT(names_of(walk(*copy)), Contains(HasSubstr("park_with_word")));
    EXPECT_EQ(functions_of(*copy, 2).size(), 2U);
  }
  one.join();
  other.join();
}

TEST(StackCopy, ShowsCoroutinesWithStacksOfTheirOwn) {
  test::run_in_scheduler(look_at_parked, {.stacks = StackChoice{}});
}

TEST(StackCopy, ShowsCoroutinesThatShareAStack) {
  test::run_in_scheduler(look_at_parked, {.stacks = StackChoice{.shared_count = 1}});
}

StackCopy* interrupted;

TEST(StackCopy, ShowsWhatASignalInterrupted) {
  const auto copy = std::make_unique<StackCopy>();
  interrupted = copy.get();
  struct sigaction action {};
  struct sigaction before {};
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    copy_interrupted(*interrupted, *static_cast<const ucontext_t*>(context));
  };
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  raise_signal();
  sigaction(SIGUSR1, &before, nullptr);
  // By now the frames are gone.
  EXPECT_THAT(names_of(walk(*copy)), Contains(HasSubstr("raise_signal")));
}

TEST(StackCopy, WhatNeverRanHasNone) {
  const auto copy = std::make_unique<StackCopy>();
  const ControlBlock fresh;
  EXPECT_FALSE(copy_parked(*copy, fresh));
}

}  // namespace
}  // namespace colibri
