#include "colibri/core/stack_usage.h"

#include <alloca.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "colibri/core/coroutine.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/stack.h"
#include "colibri/core/task.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

[[gnu::noinline]] int use_stack(std::size_t bytes) {
  auto* memory = static_cast<volatile char*>(alloca(bytes));
  for (std::size_t i = 0; i < bytes; ++i) memory[i] = 1;
  return memory[bytes / 2];
}

int sink = 0;

/// What is known of coroutines that were spawned at this file's `line`.
StackUsage usage_of(std::uint32_t line) {
  for (const StackUsage& usage : stack_usage()) {
    if (usage.site.line == line && std::string_view(usage.site.file) == __FILE__) return usage;
  }
  return {};
}

class StackUsageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (test::in_valgrind()) GTEST_SKIP() << "Valgrind takes what was never written for undefined";
    measure_stack_usage(true);
  }
  void TearDown() override { measure_stack_usage(kDebugBuild); }
};

TEST_F(StackUsageTest, MeasuresThePeak) {
  for (const std::size_t bytes : {10'000UL, 50'000UL, 200'000UL}) {
    StackUsage usage;
    run_in_scheduler([&] {
      const auto work = [bytes] { sink = use_stack(bytes); };
      const SpawnSite site{__FILE__, static_cast<std::uint32_t>(bytes)};
      spawn(SpawnOptions{.name = "worker", .site = site}, work).join();
      usage = usage_of(site.line);
    });
    EXPECT_EQ(usage.coroutines, 1U);
    EXPECT_STREQ(usage.name, "worker");
    EXPECT_EQ(usage.stack_bytes, kDefaultStackBytes);
    EXPECT_GE(usage.peak_bytes, bytes);
    EXPECT_LE(usage.peak_bytes, bytes + 3 * 4'096);
    EXPECT_GE(usage.enough_bytes, usage.peak_bytes);
  }
}

TEST_F(StackUsageTest, WhatTheLastOneOnAStackUsedDoesNotCount) {
  run_in_scheduler([] {
    spawn([] { sink = use_stack(150'000); }).join();
    const SpawnSite site{__FILE__, 1};
    spawn(SpawnOptions{.site = site}, [] { sink = use_stack(100); }).join();
    EXPECT_LE(usage_of(1).peak_bytes, 12'288U);
    EXPECT_GE(usage_of(1).peak_bytes, 100U);
    EXPECT_LE(usage_of(1).enough_bytes, 2 * smallest_stack_bytes());
  });
}

TEST_F(StackUsageTest, CountsByPlaceAndKeepsTheLargestPeak) {
  run_in_scheduler([] {
    const SpawnSite site{__FILE__, 2};
    for (const std::size_t bytes : {1'000UL, 30'000UL, 2'000UL}) {
      spawn(SpawnOptions{.site = site}, [bytes] { sink = use_stack(bytes); }).join();
    }
    EXPECT_EQ(usage_of(2).coroutines, 3U);
    EXPECT_GE(usage_of(2).peak_bytes, 30'000U);
    EXPECT_LE(usage_of(2).peak_bytes, 44'000U);
  });
}

TEST_F(StackUsageTest, MeasuresResumedCoroutinesAndOtherThreads) {
  std::thread([] {
    Coroutine coroutine([] { sink = use_stack(20'000); },
                        SpawnOptions{.site = SpawnSite{__FILE__, 3}});
    coroutine.resume();
  }).join();
  EXPECT_EQ(usage_of(3).coroutines, 1U);
  EXPECT_GE(usage_of(3).peak_bytes, 20'000U);
}

TEST_F(StackUsageTest, IsOffWhenItIsTurnedOff) {
  measure_stack_usage(false);
  run_in_scheduler([] {
    spawn(SpawnOptions{.site = SpawnSite{__FILE__, 4}}, [] { sink = use_stack(100); }).join();
  });
  EXPECT_EQ(usage_of(4).coroutines, 0U);
}

TEST_F(StackUsageTest, PrintsATable) {
  StackUsage usage;
  usage.site = {"server.cc", 41};
  usage.name = "session";
  usage.stack_bytes = 256 * 1024;
  usage.coroutines = 10'000;
  usage.peak_bytes = 5'376;
  usage.enough_bytes = 16 * 1024;
  EXPECT_EQ(to_string({usage}),
            "coroutines       stack        peak    would do  name, spawned at\n"
            "     10000     256 KiB     5.2 KiB      16 KiB  session server.cc:41\n");
  const std::string text = test::stderr_of([] { print_stack_usage(); });
  EXPECT_EQ(text.rfind("colibri: stack usage\ncoroutines", 0), 0U) << text;
}

TEST(StackUsageDeathTest, TheEnvironmentLetsRunPrintTheTable) {
  if (test::in_valgrind()) GTEST_SKIP();
  // A new process: the environment is read at its start.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  setenv("COLIBRI_STACK_USAGE", "1", 1);
  const auto work = [] {
    run([] { spawn(SpawnOptions{.name = "worker"}, [] { sink = use_stack(100'000); }).join(); });
    _exit(0);
  };
  EXPECT_EXIT(work(), testing::ExitedWithCode(0), "256 KiB .* worker .*stack_usage_test.cc:");
  unsetenv("COLIBRI_STACK_USAGE");
}

}  // namespace
}  // namespace colibri
