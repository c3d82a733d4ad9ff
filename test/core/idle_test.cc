// A process whose coroutines all wait does nothing at all.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::run_in_scheduler;

/// How often this thread has gone to sleep since it began.
long voluntary_switches() {
  std::ifstream status("/proc/thread-self/status");
  for (std::string key; status >> key;) {
    if (key != "voluntary_ctxt_switches:") continue;
    long count = 0;
    status >> count;
    return count;
  }
  return -1;
}

/// How often the thread sleeps in the course of `wait`; the fewest of three attempts, since the
/// kernel may put a thread to sleep for reasons of its own.
template <class Wait>
long sleeps_during(Wait wait) {
  long fewest = 1'000'000;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const long before = voluntary_switches();
    wait();
    fewest = std::min(fewest, voluntary_switches() - before);
  }
  return fewest;
}

class IdleTest : public testing::Test {
 protected:
  void SetUp() override {
    if (test::in_valgrind()) GTEST_SKIP() << "Valgrind's threads sleep while they wait their turn";
  }
};

TEST_F(IdleTest, WaitingForAThreadIsOneSleep) {
  run_in_scheduler([] {
    Parker parker;
    const long sleeps = sleeps_during([&] {
      std::thread waker([unparker = parker.unparker()] {
        std::this_thread::sleep_for(milliseconds(100));
        unparker.unpark();
      });
      waker.detach();
      parker.park();
    });
    EXPECT_GE(sleeps, 1);
    EXPECT_LE(sleeps, 2);
  });
}

TEST_F(IdleTest, ALongSleepWakesOnceOnTheWay) {
  run_in_scheduler([] {
    // 300 ms lie beyond the finest level of the timer wheel, which asks for one look in between.
    const long sleeps = sleeps_during([] { sleep_for(milliseconds(300)); });
    EXPECT_GE(sleeps, 1);
    EXPECT_LE(sleeps, 2);
  });
}

TEST_F(IdleTest, ManyWaitersAreNoReasonToWake) {
  run_in_scheduler([] {
    std::vector<Task<void>> waiters;
    for (int i = 0; i < 100; ++i) {
      waiters.push_back(spawn([i] {
        if (i % 2 == 0) {
          sleep_for(std::chrono::hours(1));
        } else {
          Parker parker;
          parker.park();
        }
      }));
    }
    yield();
    EXPECT_LE(sleeps_during([] { sleep_for(milliseconds(100)); }), 2);
  });
}

/// Processor time of this thread, in nanoseconds.
std::int64_t processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

TEST_F(IdleTest, ADeadlineThatWasNotNeededCausesNoWorkWhenItPasses) {
  run_in_scheduler([] {
    Parker parker;
    parker.unparker().unpark();
    go([unparker = parker.unparker()] { unparker.unpark(); });
    // Waits with a deadline, but not as long: its timer is disarmed and stays linked.
    parker.park();
    EXPECT_TRUE(parker.park_until(Deadline::after(milliseconds(300))));
    const std::int64_t before = processor_time();
    std::thread waker([unparker = parker.unparker()] {
      std::this_thread::sleep_for(milliseconds(600));
      unparker.unpark();
    });
    parker.park();
    waker.join();
    // A loop that spins from the deadline on would take some 300 ms.
    EXPECT_LT(processor_time() - before, 100'000'000);
  });
}

}  // namespace
}  // namespace colibri
