// Read-write locks in coroutines and between coroutines and threads.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "colibri/core/deadline.h"
#include "colibri/core/sleep.h"
#include "colibri/hook/hook.h"
#include "test/hook/flows.h"
#include "test/hook/pthread_functions.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(PthreadRwlock, ParksTheCoroutineAndNotItsThread) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<std::shared_mutex>();
    const auto order = std::make_unique<std::vector<int>>();
    mutex->lock();
    auto reader = spawn([&mutex = *mutex, &order = *order] {
      const std::shared_lock lock(mutex);
      order.push_back(2);
    });
    yield();
    sleep_for(milliseconds(1));
    order->push_back(1);
    mutex->unlock();
    reader.join();
    EXPECT_EQ(*order, (std::vector<int>{1, 2}));
  });
}

TEST(PthreadRwlock, ReadersShareItWhileTheyPark) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<std::shared_mutex>();
    const auto inside = std::make_unique<int>(0);
    std::vector<Task<void>> readers;
    for (int i = 0; i < 10; ++i) {
      readers.push_back(spawn([&mutex = *mutex, &inside = *inside] {
        const std::shared_lock lock(mutex);
        ++inside;
        while (inside < 10) yield();
      }));
    }
    for (auto& reader : readers) reader.join();
    EXPECT_TRUE(mutex->try_lock());
    mutex->unlock();
  });
}

/// Someone holds the lock whenever another one comes, who gets it all the same.
void expect_that_it_comes_round(void (*hold)(std::shared_mutex&),
                                void (*release)(std::shared_mutex&),
                                void (*want)(std::shared_mutex&)) {
  run_in_scheduler([=] {
    const auto mutex = std::make_unique<std::shared_mutex>();
    const auto entered = std::make_unique<bool>(false);
    hold(*mutex);
    auto other = spawn([&mutex = *mutex, &entered = *entered, want] {
      want(mutex);
      entered = true;
    });
    for (int i = 0; i < 10; ++i) {
      yield();
      release(*mutex);
      hold(*mutex);  // before the other one runs
    }
    EXPECT_TRUE(*entered);
    release(*mutex);
    other.join();
  });
}

void write(std::shared_mutex& mutex) {
  mutex.lock();
}
void end_write(std::shared_mutex& mutex) {
  mutex.unlock();
}

TEST(PthreadRwlock, AWriterComesRoundAmongWriters) {
  expect_that_it_comes_round(write, end_write,
                             [](std::shared_mutex& mutex) { const std::lock_guard lock(mutex); });
}

TEST(PthreadRwlock, AReaderComesRoundAmongWriters) {
  expect_that_it_comes_round(write, end_write,
                             [](std::shared_mutex& mutex) { const std::shared_lock lock(mutex); });
}

TEST(PthreadRwlock, AWriterComesRoundAmongReaders) {
  expect_that_it_comes_round([](std::shared_mutex& mutex) { mutex.lock_shared(); },
                             [](std::shared_mutex& mutex) { mutex.unlock_shared(); },
                             [](std::shared_mutex& mutex) { const std::lock_guard lock(mutex); });
}

/// A lock whose kind keeps readers behind waiting writers.
std::unique_ptr<pthread_rwlock_t> writers_first() {
  return std::make_unique<pthread_rwlock_t>(
      pthread_rwlock_t PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP);
}

TEST(PthreadRwlock, WhereWritersArePreferredReadersStandBehindThem) {
  run_in_scheduler([] {
    const auto lock = writers_first();
    const auto order = std::make_unique<std::vector<char>>();
    pthread_rwlock_rdlock(lock.get());
    const auto enter = [&lock = *lock, &order = *order](char name, auto take) {
      return spawn([&lock, &order, name, take] {
        take(&lock);
        order.push_back(name);
        pthread_rwlock_unlock(&lock);
      });
    };
    auto first_writer = enter('w', pthread_rwlock_wrlock);
    yield();
    auto reader = enter('r', pthread_rwlock_rdlock);
    auto second_writer = enter('w', pthread_rwlock_wrlock);
    yield();
    EXPECT_EQ(pthread_rwlock_tryrdlock(lock.get()), EBUSY);
    pthread_rwlock_unlock(lock.get());
    first_writer.join();
    second_writer.join();
    reader.join();
    EXPECT_EQ(*order, (std::vector<char>{'w', 'w', 'r'}));
  });
}

TEST(PthreadRwlock, AWriterWhoGivesUpLetsWaitingReadersIn) {
  run_in_scheduler([] {
    const auto lock = writers_first();
    pthread_rwlock_rdlock(lock.get());
    auto writer = spawn([&lock = *lock] {
      const timespec until = from_now(CLOCK_MONOTONIC, 3'600'000'000'000);
      return pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &until);
    });
    yield();
    auto reader = spawn([&lock = *lock] {
      pthread_rwlock_rdlock(&lock);
      pthread_rwlock_unlock(&lock);
    });
    yield();
    writer.cancel();
    EXPECT_EQ(writer.join(), ECANCELED);
    reader.join();
    pthread_rwlock_unlock(lock.get());
  });
}

TEST(PthreadRwlock, CancelAndTimeLimitReachTimedFormsOnly) {
  run_in_scheduler([] {
    const auto lock = std::make_unique<pthread_rwlock_t>(pthread_rwlock_t{});
    const auto locked = std::make_unique<int>(0);
    pthread_rwlock_wrlock(lock.get());
    auto untimed = spawn([&lock = *lock, &locked = *locked] {
      const TimeLimit limit(milliseconds(0));
      pthread_rwlock_rdlock(&lock);
      ++locked;
      pthread_rwlock_unlock(&lock);
    });
    auto limited = spawn([&lock = *lock] {
      const TimeLimit limit(milliseconds(1));
      const timespec until = from_now(CLOCK_REALTIME, 3'600'000'000'000);
      return pthread_rwlock_timedrdlock(&lock, &until);
    });
    yield();
    untimed.cancel();
    EXPECT_EQ(limited.join(), ETIMEDOUT);
    EXPECT_EQ(*locked, 0);
    pthread_rwlock_unlock(lock.get());
    untimed.join();
    EXPECT_EQ(*locked, 1);
  });
}

TEST(PthreadRwlock, BelongsToTheCoroutineThatWrites) {
  run_in_scheduler([] {
    const auto lock = std::make_unique<pthread_rwlock_t>(pthread_rwlock_t{});
    pthread_rwlock_wrlock(lock.get());
    EXPECT_EQ(pthread_rwlock_rdlock(lock.get()), EDEADLK);
    auto other = spawn([&lock = *lock] {
      const int result = pthread_rwlock_wrlock(&lock);
      pthread_rwlock_unlock(&lock);
      return result;
    });
    yield();
    EXPECT_FALSE(other.done());
    pthread_rwlock_unlock(lock.get());
    EXPECT_EQ(other.join(), 0);
  });
}

TEST(PthreadRwlock, MayBeDestroyedByTheNextOwner) {
  run_in_scheduler([] {
    auto mutex = std::make_unique<std::shared_mutex>();
    mutex->lock_shared();
    auto task = spawn([&mutex] {
      mutex->lock();
      mutex->unlock();
      mutex = nullptr;
    });
    yield();
    mutex->unlock_shared();
    task.join();
    EXPECT_EQ(mutex, nullptr);
  });
}

/// Who holds it, who waits, and whether each of them writes.
using Pair = std::tuple<FlowKind, FlowKind, bool, bool>;

class RwlockPairs : public testing::TestWithParam<Pair> {};

TEST_P(RwlockPairs, ALockIsHandedFromOneToTheOther) {
  const auto& [holder, waiter, holder_writes, waiter_writes] = GetParam();
  struct Shared {
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    std::atomic<bool> held{false};
    std::atomic<int> waiter_id{0};
    int value = 0;
  };
  const auto shared = std::make_shared<Shared>();
  const bool excludes = holder_writes || waiter_writes;
  std::thread holding = holder.start([=, writes = holder_writes] {
    (writes ? pthread_rwlock_wrlock : pthread_rwlock_rdlock)(&shared->lock);
    shared->held = true;
    while (shared->waiter_id == 0) usleep(100);
    if (excludes) {
      until_asleep(shared->waiter_id);
      shared->value = 1;
    }
    pthread_rwlock_unlock(&shared->lock);
  });
  std::thread waiting = waiter.start([=, writes = waiter_writes] {
    until_true(shared->held);
    shared->waiter_id = gettid();
    EXPECT_EQ((writes ? pthread_rwlock_wrlock : pthread_rwlock_rdlock)(&shared->lock), 0);
    EXPECT_EQ(shared->value, excludes ? 1 : 0);
    EXPECT_EQ(pthread_rwlock_unlock(&shared->lock), 0);
  });
  holding.join();
  waiting.join();
}

std::string name_of_pair(const testing::TestParamInfo<Pair>& info) {
  const auto& [holder, waiter, holder_writes, waiter_writes] = info.param;
  return std::string(holder.name) + (holder_writes ? "Writes" : "Reads") + waiter.name +
         (waiter_writes ? "Writes" : "Reads");
}

INSTANTIATE_TEST_SUITE_P(All, RwlockPairs,
                         testing::Combine(testing::ValuesIn(kFlowKinds),
                                          testing::ValuesIn(kFlowKinds), testing::Bool(),
                                          testing::Bool()),
                         name_of_pair);

const std::size_t kRounds = many_operations(2'000);

/// Two numbers that are the same whenever nobody writes.
struct Twins {
  std::size_t first = 0;
  std::size_t second = 0;

  void write(std::size_t round) {
    ++first;
    if (round % 64 == 0) usleep(1);
    ++second;
  }
};

TEST(PthreadRwlockThreads, WritersExcludeAndReadersSeeNothingHalfDone) {
  std::shared_mutex mutex;
  Twins twins;
  std::atomic<std::size_t> torn{0};
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      if (i % 4 == 0) {
        const std::lock_guard lock(mutex);
        twins.write(i);
      } else {
        const std::shared_lock lock(mutex);
        if (twins.first != twins.second) ++torn;
      }
    }
  });
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(twins.first, kFlows * ((kRounds + 3) / 4));
  EXPECT_EQ(twins.second, twins.first);
}

TEST(PthreadRwlockThreads, TimedFormsExcludeAndGiveUp) {
  std::shared_timed_mutex mutex;
  Twins twins;
  std::atomic<std::size_t> written{0};
  std::atomic<std::size_t> torn{0};
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      const microseconds patience(i % 8);
      if (i % 4 == 0) {
        if (!mutex.try_lock_for(patience)) continue;
        twins.write(i);
        ++written;
        mutex.unlock();
      } else {
        if (!mutex.try_lock_shared_for(patience)) continue;
        if (twins.first != twins.second) ++torn;
        mutex.unlock_shared();
      }
    }
  });
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(twins.first, written);
  EXPECT_TRUE(mutex.try_lock()) << "nobody holds it any more";
  mutex.unlock();
}

TEST(PthreadRwlockThreads, WherePreferredWritersExclude) {
  const auto lock = writers_first();
  Twins twins;
  std::atomic<std::size_t> torn{0};
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      if (i % 4 == 0) {
        pthread_rwlock_wrlock(lock.get());
        twins.write(i);
      } else {
        pthread_rwlock_rdlock(lock.get());
        if (twins.first != twins.second) ++torn;
      }
      pthread_rwlock_unlock(lock.get());
    }
  });
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(twins.first, kFlows * ((kRounds + 3) / 4));
}

}  // namespace
}  // namespace colibri::test
