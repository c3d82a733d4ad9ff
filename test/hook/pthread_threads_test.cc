// Locks between coroutines of several schedulers and plain threads: every pair of who holds and who
// waits, and all at once.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "test/hook/flows.h"
#include "test/hook/pthread_functions.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using Pair = std::tuple<FlowKind, FlowKind, int>;

class PthreadPairs : public testing::TestWithParam<Pair> {};

std::string name_of_pair(const testing::TestParamInfo<Pair>& info) {
  const char* const kinds[] = {"Normal", "Recursive", "ErrorCheck", "Adaptive"};
  return std::string(std::get<0>(info.param).name) + "Holds" + std::get<1>(info.param).name +
         "Waits" + kinds[std::get<2>(info.param)];
}

/// What the flows of one test share.
struct Shared {
  explicit Shared(int kind) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, kind);
    pthread_mutex_init(&mutex, &attributes);
  }
  ~Shared() {
    EXPECT_EQ(pthread_mutex_destroy(&mutex), 0);
    EXPECT_EQ(pthread_cond_destroy(&cond), 0);
  }
  pthread_mutex_t mutex;
  pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
  std::atomic<bool> held{false};
  std::atomic<int> waiter_id{0};
  int value = 0;
};

/// Returns once a waiter that has said its thread's id sleeps there.
void until_it_waits(const Shared& shared) {
  while (shared.waiter_id == 0) usleep(100);
  until_asleep(shared.waiter_id);
}

TEST_P(PthreadPairs, ALockIsHandedFromOneToTheOther) {
  const auto& [holder, waiter, kind] = GetParam();
  const auto shared = std::make_shared<Shared>(kind);
  std::thread holding = holder.start([shared] {
    pthread_mutex_lock(&shared->mutex);
    shared->held = true;
    until_it_waits(*shared);
    shared->value = 1;
    pthread_mutex_unlock(&shared->mutex);
  });
  std::thread waiting = waiter.start([shared] {
    until_true(shared->held);
    EXPECT_EQ(pthread_mutex_trylock(&shared->mutex), EBUSY);
    shared->waiter_id = gettid();
    EXPECT_EQ(pthread_mutex_lock(&shared->mutex), 0);
    EXPECT_EQ(shared->value, 1);
    EXPECT_EQ(pthread_mutex_unlock(&shared->mutex), 0);
  });
  holding.join();
  waiting.join();
}

TEST_P(PthreadPairs, ASignalReachesTheOther) {
  const auto& [signaller, waiter, kind] = GetParam();
  const auto shared = std::make_shared<Shared>(kind);
  std::thread waiting = waiter.start([shared] {
    pthread_mutex_lock(&shared->mutex);
    shared->held = true;
    shared->waiter_id = gettid();
    while (shared->value == 0) pthread_cond_wait(&shared->cond, &shared->mutex);
    EXPECT_EQ(shared->value, 1);
    pthread_mutex_unlock(&shared->mutex);
  });
  std::thread signalling = signaller.start([shared] {
    until_it_waits(*shared);
    pthread_mutex_lock(&shared->mutex);
    shared->value = 1;
    pthread_mutex_unlock(&shared->mutex);
    pthread_cond_signal(&shared->cond);
  });
  waiting.join();
  signalling.join();
}

TEST_P(PthreadPairs, ABroadcastReachesAll) {
  const auto& [signaller, waiter, kind] = GetParam();
  const auto shared = std::make_shared<Shared>(kind);
  std::atomic<int> passed{0};
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(waiter.start([shared, &passed] {
      pthread_mutex_lock(&shared->mutex);
      shared->waiter_id = gettid();
      while (shared->value == 0) pthread_cond_wait(&shared->cond, &shared->mutex);
      pthread_mutex_unlock(&shared->mutex);
      ++passed;
    }));
  }
  signaller
      .start([shared] {
        until_it_waits(*shared);
        pthread_mutex_lock(&shared->mutex);
        shared->value = 1;
        pthread_cond_broadcast(&shared->cond);
        pthread_mutex_unlock(&shared->mutex);
      })
      .join();
  for (std::thread& thread : waiting) thread.join();
  EXPECT_EQ(passed, 3);
}

TEST(PthreadThreads, CancelingAThreadEndsItsWaitWithTheMutexHeld) {
  const auto shared = std::make_shared<Shared>(PTHREAD_MUTEX_ERRORCHECK);
  pthread_t thread{};
  const auto wait = [](void* argument) -> void* {
    auto* of_test = static_cast<Shared*>(argument);
    pthread_mutex_lock(&of_test->mutex);
    pthread_cleanup_push(
        [](void* to_unlock) {
          EXPECT_EQ(pthread_mutex_unlock(static_cast<pthread_mutex_t*>(to_unlock)), 0);
        },
        &of_test->mutex);
    of_test->waiter_id = gettid();
    for (;;) pthread_cond_wait(&of_test->cond, &of_test->mutex);
    pthread_cleanup_pop(0);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, wait, shared.get()), 0);
  until_it_waits(*shared);
  pthread_cancel(thread);
  void* result = nullptr;
  pthread_join(thread, &result);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_EQ(pthread_mutex_trylock(&shared->mutex), 0);
  pthread_mutex_unlock(&shared->mutex);
}

INSTANTIATE_TEST_SUITE_P(All, PthreadPairs,
                         testing::Combine(testing::ValuesIn(kFlowKinds),
                                          testing::ValuesIn(kFlowKinds), testing::Range(0, 4)),
                         name_of_pair);

const std::size_t kRounds = many_operations(3'000);

void pause_now_and_then(std::size_t round) {
  if (round % 64 != 0) return;
  usleep(1);
}

template <class Mutex>
void expect_exclusion() {
  Mutex mutex;
  std::size_t count = 0;
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      const std::lock_guard lock(mutex);
      ++count;
      pause_now_and_then(i);
    }
  });
  EXPECT_EQ(count, kFlows * kRounds);
}

TEST(PthreadThreads, AMutexExcludes) {
  expect_exclusion<std::mutex>();
}

TEST(PthreadThreads, ARecursiveMutexExcludes) {
  expect_exclusion<std::recursive_mutex>();
}

TEST(PthreadThreads, ATimedMutexExcludesAndGivesUp) {
  std::timed_mutex mutex;
  std::size_t count = 0;
  std::atomic<std::size_t> locked{0};
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      if (!mutex.try_lock_for(std::chrono::microseconds(i % 8))) continue;
      ++count;
      ++locked;
      pause_now_and_then(i);
      mutex.unlock();
    }
  });
  EXPECT_EQ(count, locked);
}

TEST(PthreadThreads, AConditionVariableLosesNoSignal) {
  std::mutex mutex;
  std::condition_variable not_empty;
  std::condition_variable not_full;
  std::queue<std::size_t> queue;
  std::atomic<std::size_t> role{0};
  std::atomic<std::size_t> sum{0};
  everywhere([&] {
    const bool produces = role++ % 2 == 0;
    for (std::size_t i = 1; i <= kRounds; ++i) {
      std::unique_lock lock(mutex);
      if (produces) {
        not_full.wait(lock, [&] { return queue.size() < 4; });
        queue.push(i);
        lock.unlock();
        not_empty.notify_one();
      } else {
        not_empty.wait(lock, [&] { return !queue.empty(); });
        sum += queue.front();
        queue.pop();
        not_full.notify_one();
      }
    }
  });
  EXPECT_EQ(sum, kFlows / 2 * kRounds * (kRounds + 1) / 2);
}

TEST(PthreadThreads, TimedWaitsLoseNoSignal) {
  std::mutex mutex;
  std::condition_variable turned;
  std::size_t turn = 0;
  std::atomic<std::size_t> flows{0};
  everywhere([&] {
    const std::size_t own = flows++;
    for (std::size_t i = 0; i < kRounds / 10; ++i) {
      std::unique_lock lock(mutex);
      while (turn % kFlows != own) turned.wait_for(lock, std::chrono::microseconds(50));
      ++turn;
      turned.notify_all();
    }
  });
  EXPECT_EQ(turn, kFlows * (kRounds / 10));
}

}  // namespace
}  // namespace colibri::test
