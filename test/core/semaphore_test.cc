#include "colibri/core/semaphore.h"

#include <gtest/gtest.h>

#include <vector>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(Semaphore, LetsInAsManyAsItHasPermits) {
  run_in_scheduler([] {
    Semaphore permits(2);
    int inside = 0;
    int most = 0;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 6; ++i) {
      tasks.push_back(spawn([&] {
        permits.acquire();
        most = std::max(most, ++inside);
        yield();
        --inside;
        permits.release();
      }));
    }
    for (auto& task : tasks) task.join();
    EXPECT_EQ(most, 2);
    EXPECT_TRUE(permits.try_acquire());
    EXPECT_TRUE(permits.try_acquire());
    EXPECT_FALSE(permits.try_acquire());
  });
}

TEST(Semaphore, SeveralPermitsAtOnceServeSeveral) {
  run_in_scheduler([] {
    Semaphore permits(0);
    auto first = spawn([&] { permits.acquire(); });
    auto second = spawn([&] { permits.acquire(); });
    yield();
    permits.release(3);
    first.join();
    second.join();
    EXPECT_TRUE(permits.try_acquire());
    EXPECT_FALSE(permits.try_acquire());
  });
}

TEST(Semaphore, ItsWaitsEnd) {
  run_in_scheduler([] {
    Semaphore permits(0);
    EXPECT_FALSE(permits.try_acquire_for(milliseconds(1)));
    EXPECT_FALSE(permits.try_acquire_until(std::chrono::steady_clock::now()));
    auto task = spawn([&] { permits.acquire(); });
    yield();
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
    {
      const TimeLimit limit(milliseconds(1));
      EXPECT_THROW(permits.acquire(), std::system_error);
    }
    permits.release();
    EXPECT_TRUE(permits.try_acquire()) << "nobody who gave up took it";
  });
}

}  // namespace
}  // namespace colibri
