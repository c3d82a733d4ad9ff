// Where the system has no more memory for stacks: the error names the limit, and nothing is lost.
#include "colibri/core/stack_limits.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "colibri/core/sleep.h"
#include "colibri/core/stack.h"
#include "colibri/core/task.h"
#include "test/core/forced_guard.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

/// Spawns waiting coroutines until that throws; then lets all go on and end. Returns the error's
/// text; empty when `most` could be had.
std::string spawn_until_it_throws(std::size_t most, std::size_t& reached) {
  std::string text;
  bool go_on = false;
  std::size_t ended = 0;
  std::size_t spawned = 0;
  try {
    for (; spawned < most; ++spawned) {
      go([&] {
        while (!go_on) yield();
        ++ended;
      });
      if (spawned % 1'000 == 0) yield();
    }
  } catch (const std::system_error& error) {
    text = error.what();
  }
  go_on = true;
  while (ended < spawned) yield();
  // Who was told "no" can go on, too: there is room again.
  bool ran = false;
  spawn([&] { ran = true; }).join();
  EXPECT_TRUE(ran);
  reached = spawned;
  return text;
}

TEST(StackLimits, WhenMappingsRunOutTheErrorNamesThemAndNothingIsLost) {
  if (test::in_valgrind() || kThreadSanitizer) GTEST_SKIP() << "too many coroutines";
  const ForcedGuard forced(GuardKind::kMprotect);
  run_in_scheduler([] {
    thread_stack_pool().trim_now();
    for (int round = 0; round < 2; ++round) {
      std::size_t reached = 0;
      const std::string text = spawn_until_it_throws(40'000, reached);
      EXPECT_GT(reached, 20'000U);
      EXPECT_NE(text.find("vm.max_map_count"), std::string::npos) << text;
      EXPECT_NE(text.find("raise it"), std::string::npos) << text;
      // Other kinds of memory can still be had.
      void* page = mmap(nullptr, 4'096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      EXPECT_NE(page, MAP_FAILED);
      munmap(page, 4'096);
      thread_stack_pool().trim_now();
    }
  });
}

TEST(StackLimitsDeathTest, WhenAddressSpaceRunsOutTheErrorNamesItAndNothingIsLost) {
  if (test::in_valgrind() || kAddressSanitizer || kThreadSanitizer) {
    GTEST_SKIP() << "their shadow takes all address space";
  }
  const auto limited = [] {
    const rlimit limit{1UL << 30, 1UL << 30};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(3);
    run([] {
      std::size_t reached = 0;
      const std::string text = spawn_until_it_throws(40'000, reached);
      if (reached < 2'000) _exit(4);
      if (text.find("RLIMIT_AS is 1024 MiB") == std::string::npos) _exit(5);
    });
    _exit(testing::Test::HasFailure() ? 6 : 0);
  };
  EXPECT_EXIT(limited(), testing::ExitedWithCode(0), "");
}

TEST(StackLimits, MarkersGuardTwoHundredThousandCoroutines) {
  if (!markers_work()) GTEST_SKIP() << "this kernel has no guard markers";
  const std::size_t count = test::in_valgrind() ? 100 : test::scaled(200'000, 20'000, 2'000);
  const ForcedGuard forced(GuardKind::kMarkers);
  run_in_scheduler([count] {
    std::size_t reached = 0;
    EXPECT_EQ(spawn_until_it_throws(count, reached), "");
    EXPECT_EQ(reached, count);
  });
  thread_stack_pool().trim_now();
}

}  // namespace
}  // namespace colibri
