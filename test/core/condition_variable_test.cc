#include "colibri/core/condition_variable.h"

#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "colibri/core/mutex.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(ConditionVariable, WaitsForAConditionUnderItsLock) {
  run_in_scheduler([] {
    Mutex mutex;
    ConditionVariable changed;
    bool ready = false;
    auto task = spawn([&] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return ready; });
      EXPECT_TRUE(lock.owns_lock());
      EXPECT_FALSE(mutex.try_lock());
    });
    yield();
    changed.notify_one();
    yield();
    EXPECT_FALSE(task.done()) << "the condition does not hold yet";
    {
      const std::lock_guard lock(mutex);
      ready = true;
      changed.notify_one();
    }
    task.join();
  });
}

TEST(ConditionVariable, NotifiesOneInTurnOrAll) {
  run_in_scheduler([] {
    Mutex mutex;
    ConditionVariable changed;
    std::vector<int> order;
    for (int i = 0; i < 4; ++i) {
      go([&, i] {
        std::unique_lock lock(mutex);
        changed.wait(lock);
        order.push_back(i);
      });
    }
    yield();
    changed.notify_one();
    yield();
    EXPECT_EQ(order, (std::vector<int>{0}));
    changed.notify_all();
    yield();
    yield();
    const std::lock_guard lock(mutex);
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  });
}

TEST(ConditionVariable, TimesOutWithTheLockHeld) {
  run_in_scheduler([] {
    Mutex mutex;
    ConditionVariable changed;
    std::unique_lock lock(mutex);
    EXPECT_EQ(changed.wait_for(lock, milliseconds(1)), std::cv_status::timeout);
    EXPECT_FALSE(changed.wait_for(lock, milliseconds(1), [] { return false; }));
    EXPECT_TRUE(changed.wait_for(lock, milliseconds(1), [] { return true; }));
    EXPECT_EQ(changed.wait_until(lock, std::chrono::system_clock::now()), std::cv_status::timeout);
    EXPECT_EQ(changed.wait_until(lock, Deadline::at_nanoseconds(0)), std::cv_status::timeout);
    mutex.unlock();
    mutex.lock();
  });
}

TEST(ConditionVariable, CancelAndTimeLimitThrowWithTheLockHeld) {
  run_in_scheduler([] {
    Mutex mutex;
    ConditionVariable changed;
    bool held = false;
    auto task = spawn([&] {
      std::unique_lock lock(mutex);
      try {
        changed.wait(lock);
      } catch (const Canceled&) {
        held = lock.owns_lock() && !mutex.try_lock();
        throw;
      }
    });
    yield();
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
    EXPECT_TRUE(held);
    const TimeLimit limit(milliseconds(1));
    std::unique_lock lock(mutex);
    EXPECT_THROW(changed.wait(lock), std::system_error);
    EXPECT_TRUE(lock.owns_lock());
  });
}

TEST(ConditionVariable, ANotificationIsNotLostToWhoIsCancelledAtTheSameTime) {
  run_in_scheduler([] {
    Mutex mutex;
    ConditionVariable changed;
    auto task = spawn([&] {
      std::unique_lock lock(mutex);
      changed.wait(lock);
      return true;
    });
    yield();
    task.cancel();
    changed.notify_one();
    EXPECT_TRUE(task.join());
  });
}

TEST(ConditionVariable, AWaitWithoutTheLockLeavesNothingBehind) {
  run_in_scheduler([] {
    Mutex mutex;
    ConditionVariable changed;
    std::unique_lock lock(mutex, std::defer_lock);
    EXPECT_THROW(changed.wait(lock), std::system_error);
    changed.notify_one();
  });
}

}  // namespace
}  // namespace colibri
