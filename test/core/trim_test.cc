// A process that has been busy gives its memory back, and then sleeps.
#include "colibri/core/trim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/stack_usage.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::run_in_scheduler;

/// Resident memory of the process.
std::size_t resident_bytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string word; rollup >> word;) {
    std::size_t kibibytes = 0;
    if (word == "Rss:" && rollup >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

/// How often this thread has gone to sleep since it began.
long voluntary_switches() {
  std::ifstream status("/proc/thread-self/status");
  for (std::string key; status >> key;) {
    long count = 0;
    if (key == "voluntary_ctxt_switches:" && status >> count) return count;
  }
  return -1;
}

/// Has `count` coroutines alive at once, and lets all end.
void be_busy(std::size_t count) {
  std::size_t waiting = 0;
  bool go_on = false;
  for (std::size_t i = 0; i < count; ++i) {
    go([&] {
      ++waiting;
      while (!go_on) yield();
      --waiting;
    });
  }
  yield();
  go_on = true;
  while (waiting != 0) yield();
}

class TrimTest : public testing::Test {
 protected:
  void SetUp() override {
    if (test::in_valgrind()) GTEST_SKIP() << "Valgrind's memory is not the program's";
    // The shadows of sanitizers keep their memory.
    if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP();
    // It clears stacks as they end.
    measure_stack_usage(false);
  }
  void TearDown() override { measure_stack_usage(kDebugBuild); }
};

TEST_F(TrimTest, AfterAHundredThousandCoroutinesTrimNowGivesAllBack) {
  run_in_scheduler([] {
    be_busy(10);
    const std::size_t before = resident_bytes();
    be_busy(100'000);
    EXPECT_GT(resident_bytes(), before + 100'000 * 4'096UL);
    trim_now();
    EXPECT_LT(resident_bytes(), before + before / 10);
    // And again, on the same stacks.
    be_busy(1'000);
    trim_now();
    EXPECT_LT(resident_bytes(), before + before / 10);
  });
}

TEST_F(TrimTest, FifteenPassesGiveBackTheStacksOfAHundredThousand) {
  run_in_scheduler([] {
    be_busy(10);
    const std::size_t before = resident_bytes();
    be_busy(100'000);
    // As the scheduler does, each second.
    StackPool& pool = thread_stack_pool();
    int passes = 0;
    for (; pool.has_free(); ++passes) {
      pool.begin_trim();
      while (pool.trim_some()) {
      }
    }
    EXPECT_LE(passes, 15);
    // The queue's room is all that is left.
    EXPECT_LT(resident_bytes(), before + before / 10 + 2 * 1024 * 1024);
    trim_now();
    EXPECT_LT(resident_bytes(), before + before / 10);
  });
}

TEST_F(TrimTest, WorksWithoutAScheduler) {
  trim_now();
  EXPECT_FALSE(thread_stack_pool().has_free());
}

TEST_F(TrimTest, WhenLoadHasFallenTheSchedulerTrimsAndThenSleeps) {
  run_in_scheduler([] {
    trim_now();
    be_busy(10);
    ASSERT_TRUE(thread_stack_pool().has_free());
    // Two passes: one to see what is not used, one to give it back.
    for (int i = 0; i < 200 && thread_stack_pool().has_free(); ++i) sleep_for(milliseconds(50));
    EXPECT_FALSE(thread_stack_pool().has_free());
    // Then there is nothing to wake up for.
    Parker parker;
    std::thread waker([unparker = parker.unparker()] {
      std::this_thread::sleep_for(milliseconds(2'500));
      unparker.unpark();
    });
    const long before = voluntary_switches();
    parker.park();
    EXPECT_LE(voluntary_switches() - before, 2);
    waker.join();
  });
}

}  // namespace
}  // namespace colibri
