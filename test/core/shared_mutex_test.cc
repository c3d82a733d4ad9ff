#include "colibri/core/shared_mutex.h"

#include <gtest/gtest.h>

#include <mutex>
#include <shared_mutex>
#include <string>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(SharedMutex, ReadersShareItAndAWriterDoesNot) {
  run_in_scheduler([] {
    SharedMutex mutex;
    const std::shared_lock first(mutex);
    auto other = spawn([&] {
      const std::shared_lock second(mutex, std::try_to_lock);
      const std::unique_lock writer(mutex, std::try_to_lock);
      return second.owns_lock() && !writer.owns_lock();
    });
    EXPECT_TRUE(other.join());
  });
}

TEST(SharedMutex, AWriterKeepsEverybodyOut) {
  run_in_scheduler([] {
    SharedMutex mutex;
    const std::unique_lock writer(mutex);
    auto other = spawn([&] { return mutex.try_lock() || mutex.try_lock_shared(); });
    EXPECT_FALSE(other.join());
  });
}

TEST(SharedMutex, IsEnteredInTurnAndByNeighbouringReadersTogether) {
  run_in_scheduler([] {
    SharedMutex mutex;
    std::string order;
    mutex.lock();
    const auto queue_up = [&](char who, bool writes) {
      go([&mutex, &order, who, writes] {
        if (writes) {
          const std::unique_lock lock(mutex);
          order += who;
          yield();
          order += who;
        } else {
          const std::shared_lock lock(mutex);
          order += who;
          yield();
          order += who;
        }
      });
      yield();
    };
    queue_up('a', false);
    queue_up('b', false);
    queue_up('W', true);
    queue_up('c', false);
    mutex.unlock();
    mutex.lock();
    EXPECT_EQ(order, "ababWWcc");
    mutex.unlock();
  });
}

TEST(SharedMutex, AWriterThatGivesUpLetsTheReadersBehindItIn) {
  run_in_scheduler([] {
    SharedMutex mutex;
    mutex.lock_shared();
    auto writer = spawn([&] { return mutex.try_lock_for(milliseconds(1)); });
    yield();
    auto reader = spawn([&] {
      mutex.lock_shared();
      mutex.unlock_shared();
      return true;
    });
    EXPECT_FALSE(writer.join());
    EXPECT_TRUE(reader.join());
    EXPECT_TRUE(mutex.try_lock_shared_for(milliseconds(1)));
    mutex.unlock_shared();
    mutex.unlock_shared();
  });
}

TEST(SharedMutex, CancelEndsTimedWaits) {
  run_in_scheduler([] {
    SharedMutex mutex;
    mutex.lock();
    auto reader = spawn([&] { mutex.try_lock_shared_for(hours(1)); });
    yield();
    reader.cancel();
    EXPECT_THROW(reader.join(), Canceled);
    mutex.unlock();
  });
}

TEST(SharedMutexDeathTest, UnlockingWhatNobodyOwnsIsRefused) {
  SharedMutex mutex;
  EXPECT_DEATH(mutex.unlock(), "SharedMutex::unlock called while nobody owns it exclusively");
  EXPECT_DEATH(mutex.unlock_shared(), "SharedMutex::unlock_shared called while nobody shares it");
}

}  // namespace
}  // namespace colibri
