#include "colibri/core/inspect/dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/generator.h"
#include "colibri/core/inspect/stack_catalog.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {

// External names, so that every linker and unwinder can find them; the barriers keep the compiler
// from turning calls into jumps.
[[gnu::noinline]] void wait_here(const Channel<int>& channel) {
  channel.receive();
  asm volatile("" : : : "memory");
}

[[gnu::noinline]] void first_way(const Channel<int>& channel) {
  wait_here(channel);
  asm volatile("" : : : "memory");
}

[[gnu::noinline]] void second_way(const Channel<int>& channel) {
  wait_here(channel);
  asm volatile("" : : : "memory");
}

[[gnu::noinline]] void yield_numbers(Yield<int, void>& yield) {
  for (int number = 0;; ++number) yield(number);
}

namespace {

using test::run_in_scheduler;
using testing::HasSubstr;
using testing::StartsWith;

using WayToWait = void (*)(const Channel<int>&);

/// Starts `count` coroutines that wait at `channel` until it is closed.
void start_waiters(std::size_t count, const Channel<int>& channel, WayToWait way) {
  for (std::size_t i = 0; i < count; ++i) go([channel, way] { way(channel); });
  yield();
}

bool passes_through(const Backtrace& stack, const std::string& function) {
  return std::any_of(stack.begin(), stack.end(), [&](const StackFrame& frame) {
    return frame.function.find(function) != std::string::npos;
  });
}

/// How many stand in `function`, by groups.
std::vector<std::size_t> counts_in(const std::vector<StackGroup>& groups,
                                   const std::string& function) {
  std::vector<std::size_t> counts;
  for (const StackGroup& each : groups) {
    if (passes_through(each.stack, function)) counts.push_back(each.coroutines);
  }
  return counts;
}

TEST(Dump, CountsEqualStacksAndTellsOthersApart) {
  run_in_scheduler([] {
    const Channel<int> channel;
    start_waiters(20, channel, &first_way);
    start_waiters(30, channel, &second_way);
    const std::vector<StackGroup> groups = collect_stacks();
    EXPECT_EQ(counts_in(groups, "wait_here"), (std::vector<std::size_t>{30, 20}));
    EXPECT_EQ(counts_in(groups, "first_way"), std::vector<std::size_t>{20});
    EXPECT_EQ(counts_in(groups, "second_way"), std::vector<std::size_t>{30});
    EXPECT_EQ(groups.size(), 3U) << "and the one that asks";
    channel.close();
  });
}

TEST(Dump, ManyAreUnwoundOnceAndServedMeanwhile) {
  run_in_scheduler([] {
    const Channel<int> channel;
    start_waiters(test::many_coroutines(), channel, &first_way);
    int turns = 0;
    Task<void> other = spawn([&turns] {
      for (;; ++turns) yield();
    });
    const std::vector<StackGroup> groups = collect_stacks({.slice = 100});
    EXPECT_EQ(counts_in(groups, "first_way"), std::vector<std::size_t>{test::many_coroutines()});
    EXPECT_GE(turns, static_cast<int>(test::many_coroutines() / 100) - 1);
    channel.close();
  });
}

TEST(StackCatalog, UnwindsOnlyWhatItHasNotSeen) {
  run_in_scheduler([] {
    const Channel<int> channel;
    start_waiters(100, channel, &first_way);
    StackCatalog catalog;
    Inspection inspection;
    inspection.step(100, [&](const ControlBlock& each) { catalog.number_of(each); });
    EXPECT_EQ(catalog.size(), 1U);
    // The way out of a coroutine has a few exits. In check mode, stacks cannot be compared.
    const std::size_t expected = thread_state.shared_stacks->checking() ? 100 : 4;
    EXPECT_LE(catalog.unwound(), expected);
    EXPECT_TRUE(passes_through(catalog.backtrace(0), "first_way"));
    channel.close();
  });
}

TEST(Dump, DescribesSomeOfEachGroup) {
  run_in_scheduler([] {
    const Channel<int> channel(4);
    channel.set_name("numbers");
    start_waiters(5, channel, &first_way);
    std::ostringstream stream;
    dump(stream, {.described = 2});
    EXPECT_THAT(stream.str(), StartsWith("6 coroutines at 2 places\n\n5 coroutines parked\n  #"));
    EXPECT_THAT(stream.str(), HasSubstr("channel 'numbers' receive, 0/4\n  and 3 more\n  #0 0x"));
    EXPECT_THAT(stream.str(), HasSubstr("first_way"));
    EXPECT_THAT(stream.str(), HasSubstr("\n1 coroutine running\n"));
    channel.close();
  });
}

TEST(Dump, ThoseThatNeverRanHaveNoCallers) {
  run_in_scheduler([] {
    const std::vector<Task<void>> tasks = [] {
      std::vector<Task<void>> made;
      for (int i = 0; i < 3; ++i) made.push_back(spawn([] {}));
      return made;
    }();
    const std::vector<StackGroup> groups = collect_stacks();
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0].state, CoroutineState::kReady);
    EXPECT_EQ(groups[0].coroutines, 3U);
    EXPECT_LE(groups[0].stack.size(), 1U);
  });
}

[[gnu::noinline]] void resume_one_that_waits(const Channel<int>& channel) {
  Coroutine inner([channel] { wait_here(channel); });
  inner.resume();
}

TEST(Dump, WhoResumedAnotherShowsBothStacks) {
  run_in_scheduler([] {
    const Channel<int> channel;
    start_waiters(2, channel, &resume_one_that_waits);
    const std::vector<StackGroup> groups = collect_stacks();
    EXPECT_EQ(counts_in(groups, "wait_here"), std::vector<std::size_t>{2});
    EXPECT_EQ(counts_in(groups, "resume_one_that_waits"), std::vector<std::size_t>{2});
    channel.close();
  });
}

TEST(Dump, OutsideCoroutinesLooksAtAllInOneGo) {
  std::size_t found = 0;
  const Channel<int> channel;
  // A timer's function runs in the loop.
  struct Looker : Timer {
    std::size_t* found;
  } looker;
  looker.found = &found;
  looker.fire = [](Timer& timer) {
    for (const StackGroup& each : collect_stacks()) {
      *static_cast<Looker&>(timer).found += each.coroutines;
    }
  };
  run_in_scheduler([&] {
    start_waiters(7, channel, &first_way);
    looker.deadline = 1;
    Scheduler::current("test").arm(looker);
    sleep_for(std::chrono::milliseconds(1));
    Scheduler::current("test").cancel(looker);
    channel.close();
  });
  EXPECT_EQ(found, 8U);
}

TEST(Dump, ShowsGeneratorsAndWhatIsSuspendedByHandElse) {
  run_in_scheduler([] {
    std::vector<Generator<int>> generators;
    for (int i = 0; i < 3; ++i) {
      generators.emplace_back(yield_numbers,
                              SpawnOptions{.stack_bytes = 16 * 1024, .name = "ints"});
      generators.back().next();
    }
    const std::vector<StackGroup> groups = collect_stacks();
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups.front().state, CoroutineState::kSuspended);
    EXPECT_EQ(groups.front().coroutines, 3U);
    EXPECT_EQ(groups.front().described.front().wait, "resume by hand");
    EXPECT_TRUE(passes_through(groups.front().stack, "yield_numbers"));
    std::ostringstream text;
    dump(text);
    EXPECT_THAT(text.str(), HasSubstr("3 coroutines suspended\n"));
    EXPECT_THAT(text.str(), HasSubstr(" suspended: resume by hand\n"));
  });
}

}  // namespace
}  // namespace colibri
