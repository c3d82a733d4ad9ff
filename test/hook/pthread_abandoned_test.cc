// Locks where not everybody who waits can go on.
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "colibri/core/deadline.h"
#include "colibri/core/sleep.h"
#include "colibri/hook/hook.h"
#include "test/hook/exclusives.h"
#include "test/hook/pthread_functions.h"
#include "test/support/libc_parity.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

// The lock's last holder is a plain thread. Were the coroutine woken first, its thread could not
// run it, and would sleep for ever.
TEST(PthreadMutex, WhoBlocksTheThreadComesBeforeTheCoroutinesOfThatThread) {
  run_in_scheduler([] {
    const auto mutex = std::make_unique<pthread_mutex_t>(pthread_mutex_t{});
    const auto locked = std::make_unique<std::atomic<bool>>(false);
    const auto waits = std::make_unique<std::atomic<bool>>(false);
    std::thread holder([&mutex = *mutex, &locked = *locked, &waits = *waits, id = gettid()] {
      pthread_mutex_lock(&mutex);
      locked = true;
      while (!waits) std::this_thread::yield();
      until_asleep(id);
      pthread_mutex_unlock(&mutex);
    });
    while (!*locked) yield();
    auto parked = spawn([&mutex = *mutex] {
      pthread_mutex_lock(&mutex);
      pthread_mutex_unlock(&mutex);
    });
    yield();
    {
      const HookBypass bypass;
      *waits = true;
      EXPECT_EQ(pthread_mutex_lock(mutex.get()), 0);
      EXPECT_EQ(pthread_mutex_unlock(mutex.get()), 0);
    }
    holder.join();
    parked.join();
  });
}

TEST(PthreadCond, OneThatWasAbandonedSwallowsNoSignal) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
  // An untimed wait outlives cancel, and so the end of run.
  run_and_abandon(1, [] {
    go([] {
      pthread_mutex_lock(&mutex);
      pthread_cond_wait(&cond, &mutex);
    });
    yield();
  });
  std::atomic<bool> ready = false;
  std::atomic<int> result = -1;
  std::thread waiter([&] {
    pthread_mutex_lock(&mutex);
    ready = true;
    const timespec until = from_now(CLOCK_REALTIME, 20'000'000'000);
    result = pthread_cond_timedwait(&cond, &mutex, &until);
    pthread_mutex_unlock(&mutex);
  });
  while (!ready) std::this_thread::yield();
  pthread_mutex_lock(&mutex);  // from now on the other one waits
  pthread_cond_signal(&cond);
  pthread_mutex_unlock(&mutex);
  waiter.join();
  EXPECT_EQ(result, 0);
}

TEST(PthreadCond, CanBeDestroyedThoughOneWasAbandonedThere) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
  run_and_abandon(1, [] {
    go([] {
      pthread_mutex_lock(&mutex);
      pthread_cond_wait(&cond, &mutex);
    });
    yield();
    EXPECT_EQ(pthread_cond_destroy(&cond), EBUSY);
  });
  EXPECT_EQ(pthread_cond_destroy(&cond), 0);
}

TEST(PthreadMutex, OneThatWasAbandonedGetsNoLock) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  run_and_abandon(1, [] {
    pthread_mutex_lock(&mutex);
    go([] { pthread_mutex_lock(&mutex); });
    yield();
  });
  pthread_mutex_unlock(&mutex);
  EXPECT_EQ(pthread_mutex_trylock(&mutex), 0) << "it is free";
  pthread_mutex_unlock(&mutex);
}

/// What is had, and whether its next owner has lost once: then it is handed over.
using WokenAndAbandoned = std::tuple<Exclusive, bool>;

class Abandoned : public testing::TestWithParam<WokenAndAbandoned> {};

// A coroutine is woken, and has not run yet when its scheduler ends.
TEST_P(Abandoned, OneThatWasWokenLeavesItToTheNext) {
  const auto& [of, has_lost] = GetParam();
  const auto memory = std::make_unique<ExclusiveMemory>();
  void* const lock = memory.get();
  of.init(lock);
  std::atomic<int> next_id = 0;
  std::thread next;
  const auto body = [&, of = of, has_lost = has_lost] {
    of.take(lock);
    go([of, lock] {
      of.take(lock);
      ADD_FAILURE() << "an abandoned coroutine runs";
    });
    yield();
    if (has_lost) {
      of.release(lock);
      of.take(lock);  // before the other one runs
      yield();
    }
    next = std::thread([&next_id, of, lock] {
      next_id = gettid();
      of.take(lock);
    });
    while (next_id == 0) std::this_thread::yield();
    until_asleep(next_id);
    of.release(lock);
  };
  run_and_abandon(1, body, std::chrono::nanoseconds(0));
  next.join();
  EXPECT_FALSE(of.try_take(lock)) << "the thread has it";
  of.release(lock);
  EXPECT_TRUE(of.try_take(lock));
}

INSTANTIATE_TEST_SUITE_P(All, Abandoned,
                         testing::Combine(testing::ValuesIn(kExclusives), testing::Bool()),
                         [](const testing::TestParamInfo<WokenAndAbandoned>& row) {
                           return std::string(std::get<0>(row.param).name) +
                                  (std::get<1>(row.param) ? "HandedOver" : "Woken");
                         });

}  // namespace
}  // namespace colibri::test
