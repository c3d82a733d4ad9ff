// What libstdc++ waits by through syscall(SYS_futex): parks in coroutines, and is woken from
// coroutines and threads alike.
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <future>
#include <latch>
#include <limits>
#include <memory>
#include <semaphore>
#include <thread>

#include "colibri/core/deadline.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/child_process.h"
#include "test/support/libc_parity.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(Futex, AFutureParksUntilACoroutineKeepsItsPromise) {
  run_in_scheduler([] {
    const auto promise = std::make_shared<std::promise<int>>();
    auto waiter = spawn([promise] { return promise->get_future().get(); });
    sleep_for(milliseconds(1));
    promise->set_value(4711);
    EXPECT_EQ(waiter.join(), 4711);
  });
}

TEST(Futex, AThreadWakesACoroutineAndACoroutineAThread) {
  const auto to_coroutine = std::make_shared<std::promise<int>>();
  const auto to_thread = std::make_shared<std::promise<int>>();
  std::thread thread([=, here = gettid()] {
    until_asleep(here);
    to_coroutine->set_value(1);
    EXPECT_EQ(to_thread->get_future().get(), 2);
  });
  run_in_scheduler([=] {
    EXPECT_EQ(to_coroutine->get_future().get(), 1);
    sleep_for(milliseconds(2));
    to_thread->set_value(2);
  });
  thread.join();
}

TEST(Futex, ATimedWaitTimesOutAndIsReachedByCancel) {
  run_in_scheduler([] {
    const auto promise = std::make_shared<std::promise<int>>();
    const auto future = std::make_shared<std::future<int>>(promise->get_future());
    EXPECT_EQ(future->wait_for(milliseconds(1)), std::future_status::timeout);
    auto waiter = spawn([future] { return future->wait_for(hours(1)); });
    yield();
    waiter.cancel();
    EXPECT_EQ(waiter.join(), std::future_status::timeout);
  });
}

/// FUTEX_WAIT with the errno of its failure, or 0.
int wait_at(std::uint32_t* word, std::uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout) == 0 ? 0 : errno;
}

TEST(Futex, ATimeoutOfFutexWaitCountsFromNow) {
  std::uint32_t word = 1;
  const auto check_all = [&word] {
    const timespec soon{0, 999'999};
    const timespec carries{0, 999'999'999};  // into the next second, whatever it is now
    const timespec beyond_all_clocks{std::numeric_limits<time_t>::max(), 0};
    const timespec negative{-1, 0};
    const timespec too_many_nanoseconds{0, 1'000'000'000};
    EXPECT_EQ(wait_at(&word, 1, &soon), ETIMEDOUT);
    EXPECT_EQ(wait_at(&word, 1, &carries), ETIMEDOUT);
    EXPECT_EQ(wait_at(&word, 2, &beyond_all_clocks), EAGAIN);
    EXPECT_EQ(wait_at(&word, 1, &negative), EINVAL);
    EXPECT_EQ(wait_at(&word, 1, &too_many_nanoseconds), EINVAL);
  };
  check_all();  // as libc's own
  run_in_scheduler(check_all);
}

TEST(Futex, ACoroutineThatWaitsForCenturiesIsWoken) {
  run_in_scheduler([] {
    const auto word = std::make_shared<std::uint32_t>(1);
    auto waiter = spawn([word] {
      const timespec beyond_all_clocks{std::numeric_limits<time_t>::max(), 0};
      return wait_at(word.get(), 1, &beyond_all_clocks);
    });
    yield();
    EXPECT_EQ(syscall(SYS_futex, word.get(), FUTEX_WAKE_PRIVATE, 1), 1);
    EXPECT_EQ(waiter.join(), 0);
  });
}

TEST(Futex, AnUntimedWaitOutlivesCancelAndTimeLimit) {
  run_in_scheduler([] {
    const auto flag = std::make_shared<std::atomic<int>>(0);
    auto waiter = spawn([flag] {
      const TimeLimit limit(milliseconds(0));
      flag->wait(0);
      return flag->load();
    });
    yield();
    waiter.cancel();
    sleep_for(milliseconds(1));
    *flag = 5;
    flag->notify_all();
    EXPECT_EQ(waiter.join(), 5);
  });
}

TEST(Futex, ALatchAndASemaphore) {
  run_in_scheduler([] {
    const auto latch = std::make_shared<std::latch>(3);
    const auto semaphore = std::make_shared<std::counting_semaphore<8>>(0);
    const auto passed = std::make_shared<int>(0);
    for (int i = 0; i < 3; ++i) {
      go([=] {
        semaphore->acquire();
        ++*passed;
        latch->count_down();
      });
    }
    sleep_for(milliseconds(1));
    EXPECT_EQ(*passed, 0);
    semaphore->release(3);
    latch->wait();
    EXPECT_EQ(*passed, 3);
    EXPECT_FALSE(semaphore->try_acquire_for(milliseconds(1)));
  });
}

int slow_value() {
  static const int value = [] {
    sleep_for(milliseconds(5));
    return 7;
  }();
  return value;
}

TEST(Futex, AStaticWhoseInitialiserParksIsAwaitedByAnotherCoroutine) {
  if (kThreadSanitizer) GTEST_SKIP() << "guards are ThreadSanitizer's own there";
  run_in_scheduler([] {
    auto first = spawn(slow_value);
    auto second = spawn(slow_value);
    EXPECT_EQ(second.join(), 7);
    EXPECT_EQ(first.join(), 7);
  });
}

long futex(std::atomic<unsigned>* word, int operation, unsigned value) {
  return syscall(SYS_futex, word, operation, value, nullptr, nullptr, 0);
}

TEST(Futex, AnswersAsTheKernelDoes) {
  run_in_scheduler([] {
    const auto word = std::make_shared<std::atomic<unsigned>>(1);
    EXPECT_EQ(futex(word.get(), FUTEX_WAIT_PRIVATE, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(futex(bad_pointer<std::atomic<unsigned>>(), FUTEX_WAIT_PRIVATE, 0), -1);
    EXPECT_EQ(errno, EFAULT);
    EXPECT_EQ(futex(word.get(), FUTEX_WAKE_PRIVATE, INT_MAX), 0);
    std::vector<Task<long>> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.push_back(spawn([word] { return futex(word.get(), FUTEX_WAIT_PRIVATE, 1); }));
    }
    yield();
    EXPECT_EQ(futex(word.get(), FUTEX_WAKE_PRIVATE, 2), 2);
    EXPECT_EQ(futex(word.get(), FUTEX_WAKE_PRIVATE, INT_MAX), 1);
    for (auto& waiter : waiters) EXPECT_EQ(waiter.join(), 0);
  });
}

TEST(Futex, AWordThatAnotherProcessChangesIsSeenInTheEnd) {
  run_in_scheduler([] {
    const auto word = std::make_shared<std::atomic<unsigned>>(1);
    auto waiter = spawn([word] { return futex(word.get(), FUTEX_WAIT, 1); });
    yield();
    *word = 2;  // and nobody is told
    waiter.join();
  });
}

TEST(Syscall, PassesAllElseOn) {
  EXPECT_EQ(syscall(SYS_getpid), getpid());
  run_in_scheduler([] {
    EXPECT_EQ(syscall(SYS_gettid), gettid());
    errno = 0;
    EXPECT_EQ(syscall(SYS_close, -1), -1);
    EXPECT_EQ(errno, EBADF);
    void* page = reinterpret_cast<void*>(  // six arguments
        syscall(SYS_mmap, nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(page, MAP_FAILED);
    EXPECT_EQ(syscall(SYS_munmap, page, 4096), 0);
  });
}

TEST(Futex, ManyFlowsTakeTurns) {
  std::atomic<unsigned> turn{0};
  std::atomic<unsigned> flows{0};
  const auto rounds = static_cast<unsigned>(many_operations(500));
  const auto body = [&] {
    const unsigned own = flows++;
    for (unsigned i = 0; i < rounds; ++i) {
      for (unsigned now = turn; now % 4 != own; now = turn) turn.wait(now);
      ++turn;
      turn.notify_all();
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    run([&] {
      auto other = spawn([&] { body(); });
      body();
      other.join();
    });
  });
  threads.emplace_back(body);
  threads.emplace_back(body);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(turn, 4 * rounds);
}

}  // namespace
}  // namespace colibri::test
