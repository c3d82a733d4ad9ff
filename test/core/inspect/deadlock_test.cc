#include "colibri/core/inspect/deadlock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "colibri/core/channel.h"
#include "colibri/core/descriptor_wait.h"
#include "colibri/core/mutex.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ExitedWithCode;
using testing::HasSubstr;

/// Runs `body`, which never ends. What is no deadlock is ended by SIGALRM.
template <class Body>
void run_for_a_moment(Body body) {
  alarm(1);
  run(body);
  _exit(3);
}

TEST(Deadlock, EndsTheProcessWithEveryReasonAndStack) {
  const auto deadlock = [] {
    run([] {
      const Channel<int> numbers;
      numbers.set_name("numbers");
      go({.name = "sender"}, [numbers] { numbers.receive(); });
      numbers.receive();
    });
  };
  EXPECT_EXIT(deadlock(), ExitedWithCode(2),
              AllOf(HasSubstr("colibri: all coroutines are asleep - deadlock!"),
                    ContainsRegex("'sender' .*deadlock_test.cc:[0-9]+ parked.*: channel "
                                  "'numbers' receive"),
                    HasSubstr("'main'"), HasSubstr("colibri_context_entry")));
}

TEST(Deadlock, NamesTheCycle) {
  const auto deadlock = [] {
    static constinit Mutex left;
    static constinit Mutex right;
    run([] {
      const Task<void> other = spawn({.name = "other"}, [] {
        const std::lock_guard outer(right);
        yield();
        const std::lock_guard inner(left);
      });
      const std::lock_guard outer(left);
      yield();
      const std::lock_guard inner(right);
    });
  };
  EXPECT_EXIT(deadlock(), ExitedWithCode(2), "which is a cycle, back to #[0-9]+ 'main'");
}

TEST(Deadlock, IsSeenAfterOthersHaveComeAndGone) {
  const auto deadlock = [] {
    run([] {
      for (int i = 0; i < 10; ++i) {
        spawn([] { sleep_for(std::chrono::milliseconds(1)); }).join();
      }
      Channel<int>().receive();
    });
  };
  EXPECT_EXIT(deadlock(), ExitedWithCode(2), "deadlock!");
}

TEST(Deadlock, IsNotWhereADescriptorMayWakeSomebody) {
  const auto wait = [] {
    run_for_a_moment([] {
      int ends[2];
      ASSERT_EQ(pipe(ends), 0);
      go([ends] { wait_ready(ends[0], Direction::kRead, {}); });
      Channel<int>().receive();
    });
  };
  EXPECT_EXIT(wait(), testing::KilledBySignal(SIGALRM), "^$");
}

TEST(Deadlock, IsNotWhereAnotherThreadMayWakeSomebody) {
  const auto wait = [] {
    const Channel<int> numbers;
    std::thread sender([numbers] {
      usleep(20'000);
      numbers.send(1);
    });
    run([numbers] { numbers.receive(); });
    sender.join();
    _exit(0);
  };
  EXPECT_EXIT(wait(), ExitedWithCode(0), "^$");
}

TEST(Deadlock, IsNotWhereASignalHandlerMayWakeSomebody) {
  const auto wait = [] {
    signal(SIGUSR1, [](int) {});
    run_for_a_moment([] { Channel<int>().receive(); });
  };
  EXPECT_EXIT(wait(), testing::KilledBySignal(SIGALRM), "^$");
}

TEST(Deadlock, IsNotWhileATimerRuns) {
  const auto wait = [] {
    run([] { EXPECT_FALSE(Channel<int>().try_receive_for(std::chrono::milliseconds(50))); });
    _exit(0);
  };
  EXPECT_EXIT(wait(), ExitedWithCode(0), "^$");
}

TEST(Deadlock, IsNotLookedForWhereThatIsOff) {
  const auto wait = [] {
    watch_for_deadlocks(false);
    run_for_a_moment([] { Channel<int>().receive(); });
  };
  EXPECT_EXIT(wait(), testing::KilledBySignal(SIGALRM), "^$");
}

}  // namespace
}  // namespace colibri
