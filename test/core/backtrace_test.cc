#include "colibri/core/backtrace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {

// External names, so that every linker and unwinder can find them; the barriers keep the compiler
// from turning calls into jumps.
[[gnu::noinline]] Backtrace inner_function() {
  Backtrace backtrace = capture_backtrace();
  asm volatile("" : : : "memory");
  return backtrace;
}

[[gnu::noinline]] Backtrace outer_function() {
  Backtrace backtrace = inner_function();
  asm volatile("" : : : "memory");
  return backtrace;
}

[[gnu::noinline]] void parked_function(const ControlBlock*& self) {
  self = thread_state.current;
  sleep_for(std::chrono::milliseconds(5));
  asm volatile("" : : : "memory");
}

[[gnu::noinline]] void suspended_function(const ControlBlock*& self) {
  self = thread_state.current;
  Coroutine::yield();
  asm volatile("" : : : "memory");
}

namespace {

using test::run_in_scheduler;
using testing::HasSubstr;

std::vector<std::string> functions_of(const Backtrace& backtrace) {
  std::vector<std::string> names;
  for (const StackFrame& frame : backtrace) names.push_back(frame.function);
  return names;
}

/// The place of the first frame whose function's name contains `part`; the number of frames if
/// there is none.
std::size_t place_of(const Backtrace& backtrace, const std::string& part) {
  std::size_t place = 0;
  while (place < backtrace.size() && backtrace[place].function.find(part) == std::string::npos) {
    ++place;
  }
  return place;
}

void expect_ends_at_the_entry(const Backtrace& backtrace) {
  ASSERT_FALSE(backtrace.empty());
  EXPECT_EQ(backtrace.back().function, "colibri_context_entry")
      << testing::PrintToString(functions_of(backtrace));
  EXPECT_EQ(place_of(backtrace, "colibri_context_entry"), backtrace.size() - 1);
}

TEST(Backtrace, OfTheRunningCoroutineNamesItsFunctionsInnermostFirst) {
  Backtrace backtrace;
  Coroutine coroutine([&] { backtrace = outer_function(); });
  coroutine.resume();
  EXPECT_EQ(place_of(backtrace, "inner_function"), 0U)
      << testing::PrintToString(functions_of(backtrace));
  EXPECT_EQ(place_of(backtrace, "outer_function"), 1U);
  EXPECT_LT(place_of(backtrace, "coroutine_entry"), backtrace.size());
  expect_ends_at_the_entry(backtrace);
}

TEST(Backtrace, InsideRunEndsAtTheEntryToo) {
  run_in_scheduler([] {
    const Backtrace backtrace = outer_function();
    EXPECT_EQ(place_of(backtrace, "outer_function"), 1U);
    expect_ends_at_the_entry(backtrace);
  });
}

TEST(Backtrace, OfAParkedCoroutineShowsWhereItWaits) {
  run_in_scheduler([] {
    const ControlBlock* parked = nullptr;
    auto task = spawn([&] { parked_function(parked); });
    yield();
    ASSERT_NE(parked, nullptr);
    ASSERT_EQ(parked->state, CoroutineState::kParked);
    const Backtrace backtrace = capture_backtrace(*parked);
    const std::size_t place = place_of(backtrace, "parked_function");
    EXPECT_LT(place, backtrace.size()) << testing::PrintToString(functions_of(backtrace));
    EXPECT_LT(place_of(backtrace, "Scheduler::park"), place) << "it waits in a call from there";
    expect_ends_at_the_entry(backtrace);
    task.join();
  });
}

TEST(Backtrace, OfASuspendedCoroutineShowsWhereItYielded) {
  const ControlBlock* suspended = nullptr;
  Coroutine coroutine([&] { suspended_function(suspended); });
  coroutine.resume();
  const Backtrace backtrace = capture_backtrace(*suspended);
  EXPECT_LT(place_of(backtrace, "suspended_function"), backtrace.size())
      << testing::PrintToString(functions_of(backtrace));
  expect_ends_at_the_entry(backtrace);
  coroutine.resume();
}

StackPointer never_ends(ControlBlock&) noexcept {
  std::abort();
}

TEST(Backtrace, OfOneThatNeverRanIsTheEntryAlone) {
  ControlBlock* block = new_coroutine<&never_ends>({}, {}, [] {});
  const Backtrace backtrace = capture_backtrace(*block);
  EXPECT_EQ(functions_of(backtrace), std::vector<std::string>{"colibri_context_entry"});
  discard_closure(*block);
  release_coroutine(*block);
}

TEST(Backtrace, OfTheCurrentCoroutineByItsBlockIsThatFromInside) {
  run_in_scheduler([] {
    const Backtrace backtrace = capture_backtrace(*thread_state.current);
    expect_ends_at_the_entry(backtrace);
  });
}

TEST(Backtrace, OutsideACoroutineGoesUpToMain) {
  const Backtrace backtrace = outer_function();
  EXPECT_EQ(place_of(backtrace, "outer_function"), 1U);
  EXPECT_LT(place_of(backtrace, "main"), backtrace.size());
}

TEST(Backtrace, AnInnermostFrameMayBeAtItsFunctionsFirstInstruction) {
  const auto start = reinterpret_cast<std::uintptr_t>(&inner_function);
  const StackFrame first = name_frame(start, true);
  EXPECT_THAT(first.function, testing::HasSubstr("inner_function"));
  EXPECT_EQ(first.offset, 0U);
  const StackFrame called = name_frame(start + 1, false);
  EXPECT_THAT(called.function, testing::HasSubstr("inner_function"));
  EXPECT_EQ(called.offset, 1U);
}

TEST(Backtrace, AsTextHasALineForEachFrame) {
  const Backtrace backtrace = {{0x1000, "first", 0x12}, {0x2000, "", 0}};
  EXPECT_EQ(to_string(backtrace), "  #0 0x1000 first+0x12\n  #1 0x2000 ?+0x0\n");
}

}  // namespace
}  // namespace colibri
