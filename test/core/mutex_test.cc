#include "colibri/core/mutex.h"

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(Mutex, KeepsOthersOutOverAPark) {
  run_in_scheduler([] {
    Mutex mutex;
    int inside = 0;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 5; ++i) {
      tasks.push_back(spawn([&] {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(++inside, 1);
        yield();
        --inside;
      }));
    }
    for (auto& task : tasks) task.join();
  });
}

TEST(Mutex, TryLockDoesNotWait) {
  run_in_scheduler([] {
    Mutex mutex;
    EXPECT_TRUE(mutex.try_lock());
    EXPECT_FALSE(spawn([&] { return mutex.try_lock(); }).join());
    mutex.unlock();
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
  });
}

TEST(Mutex, IsHandedToWhoHasWaitedLongest) {
  run_in_scheduler([] {
    Mutex mutex;
    std::vector<int> order;
    mutex.lock();
    for (int i = 0; i < 3; ++i) {
      go([&, i] {
        const std::lock_guard lock(mutex);
        order.push_back(i);
      });
    }
    yield();
    mutex.unlock();
    EXPECT_FALSE(mutex.try_lock()) << "it belongs to the next in turn already";
    mutex.lock();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
    mutex.unlock();
  });
}

TEST(Mutex, WorksWithWhatTheStandardOffers) {
  run_in_scheduler([] {
    Mutex first;
    Mutex second;
    {
      const std::scoped_lock both(first, second);
      std::unique_lock refused(first, std::try_to_lock);
      EXPECT_FALSE(refused.owns_lock());
    }
    std::unique_lock lock(first);
    lock.unlock();
    lock.lock();
  });
}

TEST(Mutex, ALockOutlivesCancelAndTimeLimit) {
  run_in_scheduler([] {
    Mutex mutex;
    mutex.lock();
    bool locked = false;
    auto task = spawn([&] {
      const TimeLimit limit(milliseconds(0));
      const std::lock_guard lock(mutex);
      locked = true;
    });
    yield();
    task.cancel();
    sleep_for(milliseconds(1));
    EXPECT_FALSE(locked);
    mutex.unlock();
    task.join();
    EXPECT_TRUE(locked);
  });
}

TEST(Mutex, MayBeDestroyedByTheNextOwner) {
  run_in_scheduler([] {
    auto mutex = std::make_unique<Mutex>();
    mutex->lock();
    auto task = spawn([&] {
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

TEST(Mutex, BelongsToTheResumedCoroutineAndNotToItsResumer) {
  Mutex mutex;
  Coroutine locker([&] {
    mutex.lock();
    Coroutine::yield();
    mutex.unlock();
  });
  locker.resume();
  EXPECT_FALSE(mutex.try_lock());
  locker.resume();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

TEST(TimedMutex, TimesOut) {
  run_in_scheduler([] {
    TimedMutex mutex;
    mutex.lock();
    auto task = spawn([&] {
      EXPECT_FALSE(mutex.try_lock_for(milliseconds(1)));
      EXPECT_FALSE(mutex.try_lock_until(std::chrono::system_clock::now() + milliseconds(1)));
      EXPECT_FALSE(mutex.try_lock_until(std::chrono::steady_clock::now() - hours(1)));
      std::unique_lock lock(mutex, milliseconds(1));
      EXPECT_FALSE(lock.owns_lock());
    });
    task.join();
    mutex.unlock();
    EXPECT_TRUE(mutex.try_lock_for(milliseconds(1))) << "nobody waits any more";
    mutex.unlock();
  });
}

TEST(TimedMutex, CancelAndTimeLimitEndItsWaits) {
  run_in_scheduler([] {
    TimedMutex mutex;
    mutex.lock();
    auto task = spawn([&] { mutex.try_lock_for(hours(1)); });
    yield();
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
    auto limited = spawn([&] {
      const TimeLimit limit(milliseconds(1));
      mutex.try_lock_for(hours(1));
    });
    EXPECT_THROW(limited.join(), std::system_error);
    mutex.unlock();
  });
}

TEST(TimedMutex, OneWhoGivesUpDoesNotBreakTheChain) {
  run_in_scheduler([] {
    TimedMutex mutex;
    mutex.lock();
    auto impatient = spawn([&] { return mutex.try_lock_for(milliseconds(1)); });
    auto patient = spawn([&] {
      mutex.lock();
      mutex.unlock();
    });
    EXPECT_FALSE(impatient.join());
    mutex.unlock();
    patient.join();
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
  });
}

TEST(MutexDeathTest, UnlockingWhatOneDoesNotOwnIsRefused) {
  const auto free = [] {
    Mutex mutex;
    mutex.unlock();
  };
  EXPECT_DEATH(free(), "Mutex::unlock called by a coroutine or thread that does not own it");
  const auto of_another = [] {
    run([] {
      Mutex mutex;
      mutex.lock();
      spawn([&] { mutex.unlock(); }).join();
    });
  };
  EXPECT_DEATH(of_another(), "Mutex::unlock called by a coroutine or thread that does not own it");
}

TEST(MutexDeathTest, LockingTwiceIsRefused) {
  const auto misuse = [] {
    Mutex mutex;
    mutex.lock();
    mutex.lock();
  };
  EXPECT_DEATH(misuse(), "Mutex::lock called by the coroutine or thread that owns it");
}

TEST(MutexDeathTest, DestroyingWhatOthersWaitForIsRefused) {
  const auto misuse = [] {
    run([] {
      auto mutex = std::make_unique<Mutex>();
      mutex->lock();
      go([&] { mutex->lock(); });
      yield();
      mutex = nullptr;
    });
  };
  EXPECT_DEATH(misuse(), "a Mutex was destroyed while others wait for it");
}

}  // namespace
}  // namespace colibri
