#include "colibri/core/inspect/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "colibri/core/event.h"
#include "colibri/core/mutex.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_and_abandon;
using test::run_in_scheduler;
using testing::MatchesRegex;

std::uint64_t newest_id() {
  return Scheduler::current("test").newest().id;
}

TEST(Why, OneThatRunsWaitsForNobody) {
  run_in_scheduler([] {
    EXPECT_THAT(why(thread_state.current->id), MatchesRegex("#[0-9]+ 'main' does not wait\n"));
    EXPECT_EQ(why(0), "there is no such coroutine on this scheduler\n");
  });
}

TEST(Why, FollowsLocksAndJoins) {
  run_in_scheduler([] {
    Mutex mutex;
    const Event event;
    Task<void> holder = spawn({.name = "holder"}, [&mutex, event] {
      const std::lock_guard guard(mutex);
      event.wait_regardless();
    });
    Task<void> locker = spawn({.name = "locker"}, [&] { const std::lock_guard guard(mutex); });
    Task<void> joiner = spawn({.name = "joiner"}, [&] { locker.join(); });
    const std::uint64_t id = newest_id();
    yield();
    EXPECT_THAT(why(id), MatchesRegex("#[0-9]+ 'joiner' waits for end of #[0-9]+ 'locker'\n"
                                      "#[0-9]+ 'locker' waits for mutex held by #[0-9]+ 'holder'\n"
                                      "#[0-9]+ 'holder' waits for event\n"));
    EXPECT_EQ(wait_chain(id).links.size(), 3U);
    EXPECT_FALSE(wait_chain(id).is_cycle);
    EXPECT_TRUE(find_cycles().empty());
    event.set();
    joiner.join();
  });
}

/// Each locks one of two mutexes, and then wants the other.
void lock_crosswise(Mutex& first, Mutex& second) {
  const std::lock_guard outer(first);
  yield();
  const std::lock_guard inner(second);
}

TEST(Why, NamesACycleWhileOthersRun) {
  // Whom nobody can wake is abandoned with its locks.
  static constinit Mutex left;
  static constinit Mutex right;
  run_and_abandon(2, [] {
    go({.name = "one"}, [] { lock_crosswise(left, right); });
    const std::uint64_t one = newest_id();
    go({.name = "two"}, [] { lock_crosswise(right, left); });
    const Task<void> busy = spawn([] {
      for (;;) yield();
    });
    sleep_for(std::chrono::milliseconds(1));
    EXPECT_THAT(why(one), MatchesRegex("#[0-9]+ 'one' waits for mutex held by #[0-9]+ 'two'\n"
                                       "#[0-9]+ 'two' waits for mutex held by #[0-9]+ 'one'\n"
                                       "which is a cycle, back to #[0-9]+ 'one'\n"));
    const std::vector<WaitChain> cycles = find_cycles();
    ASSERT_EQ(cycles.size(), 1U);
    EXPECT_EQ(cycles[0].links.size(), 2U);
    EXPECT_EQ(cycles[0].links[0].id, one);
  });
}

TEST(Why, NamesAJoinedOneThatWaitsForItsJoiner) {
  static constinit Mutex mutex;
  run_and_abandon(2, [] {
    go({.name = "joiner"}, [] {
      const std::lock_guard guard(mutex);
      // At the end of the scope it is joined before the mutex is unlocked.
      const Task<void> joined =
          spawn({.name = "joined"}, [] { const std::lock_guard inner_guard(mutex); });
    });
    sleep_for(std::chrono::milliseconds(1));
    const std::vector<WaitChain> cycles = find_cycles();
    ASSERT_EQ(cycles.size(), 1U);
    EXPECT_THAT(to_string(cycles[0]),
                MatchesRegex("#[0-9]+ 'joiner' waits for end of #[0-9]+ 'joined'\n"
                             "#[0-9]+ 'joined' waits for mutex held by #[0-9]+ 'joiner'\n"
                             "which is a cycle, back to #[0-9]+ 'joiner'\n"));
  });
}

TEST(Why, AWaitThatEndsByItselfIsInNoCycleForGood) {
  static constinit TimedMutex left;
  static constinit Mutex right;
  run_in_scheduler([] {
    Task<void> one = spawn([] {
      const std::lock_guard outer(right);
      yield();
      EXPECT_FALSE(left.try_lock_for(std::chrono::milliseconds(20)));
    });
    Task<void> two = spawn([] { lock_crosswise(left, right); });
    const std::uint64_t id = newest_id();
    yield();
    yield();
    EXPECT_TRUE(wait_chain(id).is_cycle);
    EXPECT_TRUE(find_cycles().empty());
    two.join();
  });
}

}  // namespace
}  // namespace colibri
