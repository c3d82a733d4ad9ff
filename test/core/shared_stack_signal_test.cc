// Signals at any instruction, on the stack that happens to be current: while a coroutine begins,
// ends, is copied out or comes back.
#include <gtest/gtest.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>
#include <cstddef>

#include "colibri/core/shared_stack.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

std::atomic<std::size_t> signals_seen{0};

/// Uses some of the stack that was interrupted; the kernel has put several kilobytes there already.
void note_signal(int /*signal*/) {
  volatile std::byte used[2048];
  for (volatile std::byte& each : used) each = std::byte{0xa5};
  signals_seen.fetch_add(1, std::memory_order_relaxed);
}

/// SIGALRM every so many microseconds, for a scope. The handler stays: under Valgrind a signal may
/// come after the last of them.
class Alarms {
 public:
  explicit Alarms(suseconds_t microseconds) {
    struct sigaction action {};
    action.sa_handler = &note_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    const itimerval every{{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &every, nullptr);
  }
  ~Alarms() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
  }
};

TEST(SharedStackSignals, FindAStackWhereverTheyCome) {
  const std::size_t signals = test::scaled(5'000, 500, 500);
  std::size_t begun = 0;
  std::size_t ended = 0;
  test::run_in_scheduler([&] {
    // Few stacks for many: most begin where another one has just ended, or has to be copied out.
    const SharedStackGroup group(3);
    const Alarms alarms(50);
    signals_seen = 0;
    while (signals_seen < signals) {
      for (int i = 0; i < 8; ++i) {
        ++begun;
        go(SpawnOptions{.shared_stacks = &group}, [&ended] {
          yield();
          ++ended;
        });
      }
      yield();
      yield();
    }
  });
  EXPECT_GE(begun, 8U);
  EXPECT_EQ(ended, begun);
}

}  // namespace
}  // namespace colibri
