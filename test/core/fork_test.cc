// fork inside coroutines: the one that forks lives on in the child, alone.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

#include "colibri/core/coroutine.h"
#include "colibri/core/descriptor_wait.h"
#include "colibri/core/libc.h"
#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/child_process.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::DescriptorPair;
using test::exit_status_of;
using test::run_in_scheduler;

class ForkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  }
};

/// Forks; a child that hangs is ended by an alarm, which exit_status_of reports as 1014.
pid_t fork_for_a_while() {
  test::flush_before_fork();
  const pid_t process = fork();
  if (process == 0) alarm(10);
  return process;
}

/// Calls `body` in a child, which ends with its result; returns that.
template <class Body>
int result_in_child(Body body) {
  const pid_t process = fork_for_a_while();
  if (process == 0) _exit(body());
  return exit_status_of(process);
}

int read_byte(const DescriptorPair& pair) {
  int byte = -1;
  while ((byte = pair.take()) < 0) {
    if (wait_ready(pair.reader(), Direction::kRead, {}) != WakeReason::kFired) return -1;
  }
  return byte;
}

TEST_F(ForkTest, TheChildGoesOnWhereItForked) {
  run_in_scheduler([] { EXPECT_EQ(result_in_child([] { return 7; }), 7); });
}

TEST_F(ForkTest, TheChildSleepsAndYields) {
  run_in_scheduler([] {
    EXPECT_EQ(result_in_child([] {
                const std::int64_t start = monotonic_now();
                sleep_for(milliseconds(3));
                yield();
                return monotonic_now() - start >= 3'000'000 ? 0 : 1;
              }),
              0);
  });
}

TEST_F(ForkTest, TheChildWaitsForDescriptors) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    // Known to the parent's loop before the fork.
    wait_ready(pipe.reader(), Direction::kRead, {.deadline = Deadline::after(milliseconds(1))});
    const pid_t process = fork_for_a_while();
    if (process == 0) _exit(read_byte(pipe));
    pipe.put(42);
    EXPECT_EQ(exit_status_of(process), 42);
  });
}

TEST_F(ForkTest, TheChildSpawnsAndJoins) {
  run_in_scheduler([] {
    EXPECT_EQ(result_in_child([] {
                auto task = spawn([] {
                  sleep_for(milliseconds(1));
                  return 9;
                });
                return task.join();
              }),
              9);
  });
}

TEST_F(ForkTest, OthersDoNotLiveOnInTheChild) {
  run_in_scheduler([] {
    int steps = 0;
    go([&] {
      for (;;) {
        ++steps;
        yield();
      }
    });
    go([&] {
      for (;;) {
        ++steps;
        sleep_for(milliseconds(1));
      }
    });
    yield();
    EXPECT_EQ(result_in_child([&] {
                const int before = steps;
                for (int i = 0; i < 5; ++i) sleep_for(milliseconds(1));
                return steps == before ? 0 : 1;
              }),
              0);
    const int before = steps;
    sleep_for(milliseconds(3));
    EXPECT_GT(steps, before) << "in the parent they do";
  });
}

TEST_F(ForkTest, OthersCannotBeWokenInTheChild) {
  run_in_scheduler([] {
    std::optional<Unparker> unparker;
    bool woken = false;
    auto waiter = spawn([&] {
      Parker parker;
      unparker.emplace(parker.unparker());
      parker.park();
      woken = true;
    });
    yield();
    EXPECT_EQ(result_in_child([&] {
                unparker->unpark();
                sleep_for(milliseconds(1));
                return woken ? 1 : 0;
              }),
              0);
    unparker->unpark();
    waiter.join();
    EXPECT_TRUE(woken);
  });
}

TEST_F(ForkTest, TheParentsWaitsAreUnharmed) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    auto reader = spawn([&] { return read_byte(pipe); });
    auto sleeper = spawn([] {
      sleep_for(milliseconds(5));
      return true;
    });
    yield();
    EXPECT_EQ(result_in_child([&] {
                // Whatever it does to the descriptors it shares with the parent.
                EventLoop::detach_everywhere(pipe.reader());
                real::close(pipe.reader());
                sleep_for(milliseconds(1));
                return 0;
              }),
              0);
    pipe.put('p');
    EXPECT_EQ(reader.join(), 'p');
    EXPECT_TRUE(sleeper.join());
  });
}

TEST_F(ForkTest, AChildOfAnotherThanMainEndsWithZeroWhenItsFunctionReturns) {
  run_in_scheduler([] {
    pid_t process = -1;
    auto forker = spawn([&] {
      process = fork_for_a_while();
      if (process == 0) sleep_for(milliseconds(1));
    });
    forker.join();
    EXPECT_EQ(exit_status_of(process), 0);
  });
}

TEST_F(ForkTest, MainDoesNotGoOnInAChildThatAnotherForked) {
  run_in_scheduler([] {
    pid_t process = -1;
    auto forker = spawn([&] { process = fork_for_a_while(); });
    forker.join();
    // In the child, main was about to be woken by this join.
    if (process == 0) _exit(3);
    EXPECT_EQ(exit_status_of(process), 0);
  });
}

TEST_F(ForkTest, MainsChildReturnsFromRun) {
  pid_t process = -1;
  const int result = run([&] {
    go([] { sleep_for(hours(1)); });
    yield();
    process = fork_for_a_while();
    return process == 0 ? 5 : 6;
  });
  if (process == 0) _exit(result);
  EXPECT_EQ(result, 6);
  EXPECT_EQ(exit_status_of(process), 5);
}

TEST_F(ForkTest, TasksOfOthersDoNotHoldTheChildUp) {
  pid_t process = -1;
  run([&] {
    auto parked = spawn([] { sleep_for(hours(1)); });
    auto ready = spawn([] {
      for (;;) yield();
    });
    yield();
    process = fork_for_a_while();
    // In the child, the tasks' destructors have nothing to wait for.
  });
  if (process == 0) _exit(4);
  EXPECT_EQ(exit_status_of(process), 4);
}

TEST_F(ForkTest, InsideACoroutineThatWasResumed) {
  run_in_scheduler([] {
    int result = -1;
    Coroutine coroutine([&] {
      result = result_in_child([] {
        sleep_for(milliseconds(1));
        return 8;
      });
    });
    coroutine.resume();
    EXPECT_EQ(result, 8);
  });
}

TEST_F(ForkTest, AChildMayForkAgain) {
  run_in_scheduler([] {
    EXPECT_EQ(result_in_child([] {
                sleep_for(milliseconds(1));
                return result_in_child([] {
                  sleep_for(milliseconds(1));
                  return 11;
                });
              }),
              11);
  });
}

TEST_F(ForkTest, WhileAnotherThreadWakesTheScheduler) {
  struct Waker {
    SmallLock& lock;
    std::atomic<bool> locked{false};
    std::atomic<bool> forked{false};

    static void* run(void* argument) {
      auto& self = *static_cast<Waker*>(argument);
      const SmallLockGuard guard(self.lock);
      self.locked = true;
      while (!self.forked) std::this_thread::yield();
      return nullptr;
    }
  };
  pid_t process = -1;
  const int result = run([&] {
    Waker waker{Scheduler::current("test").mailbox()->lock};
    // Not a std::thread, whose memory would be lost in the child, where the thread does not exist.
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, nullptr, &Waker::run, &waker), 0);
    while (!waker.locked) std::this_thread::yield();
    process = fork_for_a_while();
    if (process == 0) return 15;
    waker.forked = true;
    pthread_join(thread, nullptr);
    return 16;
  });
  if (process == 0) _exit(result);
  EXPECT_EQ(exit_status_of(process), 15);
}

TEST_F(ForkTest, WithoutAFreeDescriptorTheChildRunsOnceThereIsOne) {
  run_in_scheduler([] {
    EXPECT_EQ(result_in_child([] {
                rlimit limit{};
                getrlimit(RLIMIT_NOFILE, &limit);
                const rlim_t before = std::exchange(limit.rlim_cur, 0);
                setrlimit(RLIMIT_NOFILE, &limit);
                const pid_t process = fork_for_a_while();
                limit.rlim_cur = before;
                setrlimit(RLIMIT_NOFILE, &limit);
                if (process != 0) return exit_status_of(process);
                const DescriptorPair pipe = DescriptorPair::pipe();
                go([&] {
                  sleep_for(milliseconds(1));
                  pipe.put(14);
                });
                _exit(read_byte(pipe));
              }),
              14);
  });
}

TEST_F(ForkTest, OutsideCoroutinesTheChildMayRun) {
  run_in_scheduler([] {});
  EXPECT_EQ(result_in_child([] {
              return run([] {
                sleep_for(milliseconds(1));
                return 12;
              });
            }),
            12);
}

TEST_F(ForkTest, ByAPlainThreadLeavesSchedulersAlone) {
  run_in_scheduler([] {
    Parker parker;
    int status = -1;
    std::thread forker([&, unparker = parker.unparker()] {
      status = result_in_child([] {
        return run([] {
          sleep_for(milliseconds(1));
          return 13;
        });
      });
      unparker.unpark();
    });
    parker.park();
    forker.join();
    EXPECT_EQ(status, 13);
    sleep_for(milliseconds(1));
  });
}

}  // namespace
}  // namespace colibri
