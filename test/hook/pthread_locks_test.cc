// The standard library's locks in coroutines: they park, and belong to coroutines.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <queue>

#include "colibri/core/deadline.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/sleep.h"
#include "colibri/hook/hook.h"
#include "test/hook/exclusives.h"
#include "test/hook/pthread_functions.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(PthreadMutex, ParksTheCoroutineAndNotItsThread) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<std::mutex>();
    const auto order = std::make_unique<std::vector<int>>();
    mutex->lock();
    auto waiter = spawn([&mutex = *mutex, &order = *order] {
      const std::lock_guard lock(mutex);
      order.push_back(2);
    });
    yield();
    sleep_for(milliseconds(1));
    order->push_back(1);
    mutex->unlock();
    waiter.join();
    EXPECT_EQ(*order, (std::vector<int>{1, 2}));
  });
}

TEST(PthreadMutex, OneWhoComesAlwaysWhileAnotherHoldsItGetsIt) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<std::mutex>();
    const auto entered = std::make_unique<bool>(false);
    mutex->lock();
    auto other = spawn([&mutex = *mutex, &entered = *entered] {
      const std::lock_guard lock(mutex);
      entered = true;
    });
    for (int i = 0; i < 10; ++i) {
      yield();
      mutex->unlock();
      mutex->lock();  // before the other one runs
    }
    EXPECT_TRUE(*entered);
    mutex->unlock();
    other.join();
  });
}

TEST(PthreadMutex, ALockOutlivesCancelAndTimeLimit) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<std::mutex>();
    const auto locked = std::make_unique<bool>(false);
    mutex->lock();
    auto task = spawn([&mutex = *mutex, &locked = *locked] {
      const TimeLimit limit(milliseconds(0));
      const std::lock_guard lock(mutex);
      locked = true;
    });
    yield();
    task.cancel();
    sleep_for(milliseconds(1));
    EXPECT_FALSE(*locked);
    mutex->unlock();
    task.join();
    EXPECT_TRUE(*locked);
  });
}

TEST(PthreadMutex, CancelAndTimeLimitEndATimedLock) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<pthread_mutex_t>(pthread_mutex_t{});
    pthread_mutex_lock(mutex.get());
    const auto lock_for_an_hour = [mutex = mutex.get()] {
      const timespec until = from_now(CLOCK_MONOTONIC, 3'600'000'000'000);
      return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
    };
    auto canceled = spawn(lock_for_an_hour);
    auto limited = spawn([lock_for_an_hour] {
      const TimeLimit limit(milliseconds(1));
      return lock_for_an_hour();
    });
    yield();
    canceled.cancel();
    EXPECT_EQ(canceled.join(), ECANCELED);
    EXPECT_EQ(limited.join(), ETIMEDOUT);
    pthread_mutex_unlock(mutex.get());
    EXPECT_EQ(lock_for_an_hour(), 0) << "nobody waits any more";
    pthread_mutex_unlock(mutex.get());
  });
}

TEST(PthreadMutex, MayBeDestroyedByTheNextOwner) {
  run_in_scheduler([] {
    auto mutex = std::make_unique<std::mutex>();
    mutex->lock();
    auto task = spawn([&mutex] {
      mutex->lock();
      mutex->unlock();
      mutex = nullptr;
    });
    yield();
    mutex->unlock();
    task.join();
    EXPECT_EQ(mutex, nullptr);
  });
}

TEST(PthreadMutex, ErrnoIsLeftAlone) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<std::mutex>();
    mutex->lock();
    auto waiter = spawn([&mutex = *mutex] {
      errno = 4711;
      const std::lock_guard lock(mutex);
      EXPECT_EQ(errno, 4711);
    });
    yield();
    errno = 4712;
    mutex->unlock();
    EXPECT_EQ(errno, 4712);
    waiter.join();
  });
}

TEST(PthreadMutex, InABypassTheThreadWaits) {
  std::mutex mutex;
  mutex.lock();
  std::atomic<bool> other_ran{false};
  std::thread holder([&mutex, here = gettid()] {
    until_asleep(here);
    mutex.unlock();
  });
  run([&] {
    go([&] { other_ran = true; });
    const HookBypass bypass;
    mutex.lock();
    EXPECT_FALSE(other_ran);
    mutex.unlock();
  });
  holder.join();
}

TEST(PthreadCond, ParksAndReturnsWithTheMutexHeld) {
  run_in_scheduler([] {
    struct Shared {
      std::mutex mutex;
      std::condition_variable changed;
      std::queue<int> numbers;
    };
    const auto shared = std::make_shared<Shared>();
    auto consumer = spawn([shared] {
      int sum = 0;
      for (int i = 0; i < 100; ++i) {
        std::unique_lock lock(shared->mutex);
        shared->changed.wait(lock, [&] { return !shared->numbers.empty(); });
        EXPECT_FALSE(shared->mutex.try_lock());
        sum += shared->numbers.front();
        shared->numbers.pop();
      }
      return sum;
    });
    for (int i = 0; i < 100; ++i) {
      {
        const std::lock_guard lock(shared->mutex);
        shared->numbers.push(i);
      }
      shared->changed.notify_one();
      if (i % 3 == 0) yield();
    }
    EXPECT_EQ(consumer.join(), 4950);
  });
}

TEST(PthreadCond, TimesOut) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<std::mutex>();
    const auto condition = std::make_unique<std::condition_variable>();
    std::unique_lock lock(*mutex);
    EXPECT_EQ(condition->wait_for(lock, milliseconds(1)), std::cv_status::timeout);
    EXPECT_EQ(condition->wait_until(lock, std::chrono::system_clock::now() - hours(1)),
              std::cv_status::timeout);
    EXPECT_TRUE(lock.owns_lock());
    EXPECT_FALSE(mutex->try_lock());
  });
}

TEST(PthreadCond, CancelReachesTimedWaitsOnlyAndTheyHoldTheMutex) {
  run_in_scheduler([] {
    struct Shared {
      pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
      pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
      bool woken = false;
    };
    const auto shared = std::make_shared<Shared>();
    auto untimed = spawn([shared] {
      pthread_mutex_lock(&shared->mutex);
      const int result = pthread_cond_wait(&shared->cond, &shared->mutex);
      EXPECT_TRUE(shared->woken);
      pthread_mutex_unlock(&shared->mutex);
      return result;
    });
    auto timed = spawn([shared] {
      pthread_mutex_lock(&shared->mutex);
      const timespec until = from_now(CLOCK_REALTIME, 3'600'000'000'000);
      const int result = pthread_cond_timedwait(&shared->cond, &shared->mutex, &until);
      EXPECT_EQ(pthread_mutex_trylock(&shared->mutex), EBUSY);
      pthread_mutex_unlock(&shared->mutex);
      return result;
    });
    yield();
    untimed.cancel();
    timed.cancel();
    EXPECT_EQ(timed.join(), ECANCELED);
    sleep_for(milliseconds(1));
    shared->woken = true;
    pthread_cond_signal(&shared->cond);
    EXPECT_EQ(untimed.join(), 0);
  });
}

TEST(PthreadCond, ASignalGoesToWhoWaitedBeforeIt) {
  run_in_scheduler([] {
    struct Shared {
      std::mutex mutex;
      std::condition_variable condition;
      std::vector<int> order;
    };
    const auto shared = std::make_shared<Shared>();
    const auto wait = [shared](int number) {
      std::unique_lock lock(shared->mutex);
      shared->condition.wait(lock);
      shared->order.push_back(number);
    };
    auto first = spawn(wait, 1);
    yield();
    shared->condition.notify_one();
    auto second = spawn(wait, 2);
    first.join();
    yield();
    EXPECT_EQ(shared->order, std::vector<int>{1});
    shared->condition.notify_all();
    second.join();
  });
}

TEST(PthreadLocks, AreFreeOfThoseWhoDoNotLiveOnInTheChildOfAFork) {
  struct Shared {
    std::mutex mutex;
    std::mutex mutex_of_condition;
    std::condition_variable condition;
    bool over = false;
  };
  const auto shared = std::make_shared<Shared>();
  shared->mutex.lock();
  std::thread thread_at_mutex([shared] { const std::lock_guard lock(shared->mutex); });
  std::thread thread_at_condition([shared] {
    std::unique_lock lock(shared->mutex_of_condition);
    shared->condition.wait(lock, [&] { return shared->over; });
  });
  run_in_scheduler([shared] {
    auto coroutine_at_mutex = spawn([shared] { const std::lock_guard lock(shared->mutex); });
    yield();
    sleep_for(milliseconds(5));
    const pid_t child = fork();
    if (child == 0) {
      shared->mutex.unlock();
      for (int i = 0; i < 3; ++i) {
        shared->mutex.lock();
        shared->condition.notify_all();
        shared->mutex.unlock();
      }
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    shared->mutex.unlock();
    coroutine_at_mutex.join();
  });
  {
    const std::lock_guard lock(shared->mutex_of_condition);
    shared->over = true;
  }
  shared->condition.notify_all();
  thread_at_mutex.join();
  thread_at_condition.join();
}

class HandedOver : public testing::TestWithParam<Exclusive> {};

// Whoever it was handed to is not in the child, and never gives it back there.
TEST_P(HandedOver, IsFreeInTheChildOfAFork) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  run_in_scheduler([of = GetParam()] {
    const auto memory = std::make_unique<ExclusiveMemory>();
    void* const lock = memory.get();
    of.init(lock);
    of.take(lock);
    auto other = spawn([of, lock] {
      of.take(lock);
      of.release(lock);
    });
    yield();
    of.release(lock);
    of.take(lock);  // before the other one runs
    yield();
    of.release(lock);
    EXPECT_FALSE(of.try_take(lock)) << "the other one has it";
    const pid_t child = fork();
    if (child == 0) {
      if (!of.try_take(lock)) _exit(1);
      if (of.try_take(lock)) _exit(2);
      of.release(lock);
      of.take(lock);
      _exit(0);
    }
    EXPECT_EQ(exit_status_of(child), 0);
    other.join();
    EXPECT_TRUE(of.try_take(lock));
  });
}

INSTANTIATE_TEST_SUITE_P(All, HandedOver, testing::ValuesIn(kExclusives),
                         name_of_case<testing::TestParamInfo<Exclusive>>);

}  // namespace
}  // namespace colibri::test
