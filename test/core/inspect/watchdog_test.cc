// The watchdog finds what it is for, in real threads: a coroutine that computes, one that sits in a
// system call, and one that waits for a lock which its own thread holds.
#include "colibri/core/inspect/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/awaited_report.h"
#include "test/support/child_process.h"

namespace colibri {

// External names, for the reports.

/// Computes until a report was written, which takes the processor's time for so long; or not, after
/// a minute of it.
[[gnu::noinline]] void compute_for_long(const std::atomic<bool>& reported) {
  timespec spent{};
  do {
    for (int i = 0; i < 100'000; ++i) asm volatile("" : : : "memory");
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  } while (!reported && spent.tv_sec < 60);
}

/// Reads from a pipe to which nobody writes before the report.
[[gnu::noinline]] ssize_t read_for_long(int descriptor) {
  char byte;
  const ssize_t size = read(descriptor, &byte, 1);
  asm volatile("" : : : "memory");
  return size;
}

[[gnu::noinline]] void sleep_for_long(const std::atomic<bool>& reported) {
  for (int i = 0; i < 600 && !reported; ++i) usleep(100'000);
}

/// Holds the lock over a wait.
[[gnu::noinline]] void hold_over_sleep(std::timed_mutex& lock, const std::atomic<bool>& reported) {
  const std::lock_guard guard(lock);
  while (!reported) sleep_for(std::chrono::milliseconds(1));
}

[[gnu::noinline]] void wait_for_lock(std::timed_mutex& lock, const std::atomic<bool>& reported) {
  for (int i = 0; i < 600 && !reported; ++i) {
    if (!lock.try_lock_for(std::chrono::milliseconds(100))) continue;
    lock.unlock();
    return;
  }
}

namespace {

using test::AwaitedReport;
using testing::HasSubstr;
using testing::Not;

const WatchdogOptions kOptions{.limit = std::chrono::milliseconds(10)};

class WatchdogTest : public testing::Test {
 protected:
  ~WatchdogTest() override { stop_watchdog(); }
};

TEST_F(WatchdogTest, NamesWhoComputes) {
  const AwaitedReport report("\n  #");
  run([&] {
    start_watchdog(kOptions);
    spawn({.name = "worker"}, [&] { compute_for_long(report.is_there()); }).join();
  });
  const std::string text = report.text();
  EXPECT_THAT(text, HasSubstr("'worker' spawned at test/core/inspect/watchdog_test.cc:"));
  EXPECT_THAT(text, HasSubstr(": it computes; in "));
  EXPECT_THAT(text, HasSubstr("compute_for_long"));
  EXPECT_THAT(text, HasSubstr("(watchdog_test)"));
  const auto sites = stall_sites();
  ASSERT_FALSE(sites.empty());
  EXPECT_THAT(sites[0].place, HasSubstr("computing: "));
  EXPECT_GE(sites[0].count, 1U);
}

TEST_F(WatchdogTest, NamesTheCallThatBlocks) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  AwaitedReport report("\n  #");
  report.closes(ends[1]);
  ssize_t size = -1;
  run([&] {
    start_watchdog(kOptions);
    spawn([&] { size = read_for_long(ends[0]); }).join();
  });
  close(ends[0]);
  // The signal has not broken the call: it went on to the end of the file.
  EXPECT_EQ(size, 0);
  const std::string text = report.text();
  EXPECT_THAT(text,
              HasSubstr("it sits in the system call read(" + std::to_string(ends[0]) + ", pipe:["));
  EXPECT_THAT(text, HasSubstr("; in colibri::read_for_long"));
  EXPECT_THAT(text, HasSubstr("(libc.so"));
}

TEST_F(WatchdogTest, DoesNotInterruptACallThatASignalWouldBreak) {
  const AwaitedReport report("\n  #");
  run([&] {
    start_watchdog(kOptions);
    spawn([&] { sleep_for_long(report.is_there()); }).join();
  });
  const std::string text = report.text();
  EXPECT_THAT(text, HasSubstr("it sits in the system call clock_nanosleep"));
  EXPECT_THAT(text, HasSubstr("; in colibri::sleep_for_long"));
}

TEST_F(WatchdogTest, ShowsBothStacksOfALockHeldOverAWait) {
  const AwaitedReport report("stack of");
  std::timed_mutex lock;
  run([&] {
    auto holder = spawn({.name = "holder"}, [&] { hold_over_sleep(lock, report.is_there()); });
    start_watchdog(kOptions);
    spawn({.name = "waiter"}, [&] { wait_for_lock(lock, report.is_there()); }).join();
    holder.join();
  });
  const std::string text = report.text();
  EXPECT_THAT(text, HasSubstr("'waiter' spawned at"));
  EXPECT_THAT(text, HasSubstr("held by its own thread"));
  EXPECT_THAT(text, HasSubstr("wait_for_lock"));
  EXPECT_THAT(text, HasSubstr("The lock's address lies on the stack of coroutine"));
  EXPECT_THAT(text, HasSubstr("'holder' spawned at"));
  EXPECT_THAT(text, HasSubstr("hold_over_sleep"));
}

TEST_F(WatchdogTest, NamesTheThreadThatHoldsALock) {
  const AwaitedReport report("\n  #");
  std::timed_mutex lock;
  std::atomic<pid_t> owner{0};
  std::thread holder([&] {
    const std::lock_guard guard(lock);
    owner = gettid();
    while (!report.is_there()) usleep(1000);
  });
  while (owner == 0) std::this_thread::yield();
  run([&] {
    start_watchdog(kOptions);
    spawn([&] { wait_for_lock(lock, report.is_there()); }).join();
  });
  holder.join();
  EXPECT_THAT(report.text(), HasSubstr("held by thread " + std::to_string(owner)));
  EXPECT_THAT(report.text(), Not(HasSubstr("stack of")));
}

TEST_F(WatchdogTest, WatchesTheChildOfAForkFromItsNextSchedulerOn) {
  start_watchdog(kOptions);
  test::flush_before_fork();
  const pid_t child = fork();
  if (child == 0) {
    const AwaitedReport report("\n  #");
    run([&] { compute_for_long(report.is_there()); });
    _exit(report.is_there() ? 0 : 1);
  }
  EXPECT_EQ(test::exit_status_of(child), 0);
}

}  // namespace
}  // namespace colibri
