// What coroutines say that wait in the hooks, at what the C library has for threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <semaphore.h>

#include <array>
#include <string>

#include "colibri/core/inspect/coroutine_info.h"
#include "colibri/core/inspect/why.h"
#include "colibri/core/inspect/words.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/hook/address_call.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;
using testing::MatchesRegex;
using testing::StartsWith;

std::string own_label() {
  return coroutine_label(thread_state.current->id, thread_state.current->name());
}

/// What one says that waits in `wait`, until `enough` is called.
template <class Wait, class Enough>
std::string words_of(Wait wait, Enough enough) {
  Task<void> task = spawn(wait);
  yield();
  std::string words = inspect(Scheduler::current("test").newest()).wait;
  enough();
  task.join();
  return words;
}

pthread_mutex_t* new_mutex(int kind) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, kind);
  auto* mutex = new pthread_mutex_t;
  pthread_mutex_init(mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return mutex;
}

TEST(HookedWaits, AMutexOfAKindThatKnowsItsOwnerSaysIt) {
  run_in_scheduler([] {
    pthread_mutex_t* mutex = new_mutex(PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_lock(mutex);
    std::uint64_t id = 0;
    std::string chain;
    const std::string words = words_of(
        [mutex] {
          pthread_mutex_lock(mutex);
          pthread_mutex_unlock(mutex);
        },
        [&] {
          id = Scheduler::current("test").newest().id;
          chain = why(id);
          pthread_mutex_unlock(mutex);
        });
    const std::string owner = "#" + std::to_string(thread_state.current->id);
    EXPECT_THAT(words, MatchesRegex("pthread mutex at 0x[0-9a-f]+ held by " + owner));
    EXPECT_THAT(chain, MatchesRegex(".*\n" + own_label() + " does not wait\n"));
    delete mutex;
  });
}

TEST(HookedWaits, AMutexOfTheUsualKindSaysThatItIsOne) {
  run_in_scheduler([] {
    pthread_mutex_t* mutex = new_mutex(PTHREAD_MUTEX_NORMAL);
    pthread_mutex_lock(mutex);
    const auto lock_and_unlock = [mutex] {
      pthread_mutex_lock(mutex);
      pthread_mutex_unlock(mutex);
    };
    EXPECT_THAT(words_of(lock_and_unlock, [mutex] { pthread_mutex_unlock(mutex); }),
                MatchesRegex("pthread mutex at 0x[0-9a-f]+"));
    delete mutex;
  });
}

TEST(HookedWaits, ALockForReadersAndWritersNamesItsWriter) {
  run_in_scheduler([] {
    auto* lock = new pthread_rwlock_t(PTHREAD_RWLOCK_INITIALIZER);
    pthread_rwlock_wrlock(lock);
    const auto read_and_unlock = [lock] {
      pthread_rwlock_rdlock(lock);
      pthread_rwlock_unlock(lock);
    };
    const std::string owner = "#" + std::to_string(thread_state.current->id);
    EXPECT_THAT(words_of(read_and_unlock, [lock] { pthread_rwlock_unlock(lock); }),
                MatchesRegex("pthread rwlock at 0x[0-9a-f]+ held by " + owner));
    delete lock;
  });
}

TEST(HookedWaits, ASemaphoreAndAConditionSayWhatTheyAre) {
  run_in_scheduler([] {
    auto* semaphore = new sem_t;
    sem_init(semaphore, 0, 0);
    EXPECT_THAT(
        words_of([semaphore] { sem_wait(semaphore); }, [semaphore] { sem_post(semaphore); }),
        StartsWith("POSIX semaphore at 0x"));
    delete semaphore;
    pthread_mutex_t* mutex = new_mutex(PTHREAD_MUTEX_NORMAL);
    auto* condition = new pthread_cond_t(PTHREAD_COND_INITIALIZER);
    const auto wait = [mutex, condition] {
      pthread_mutex_lock(mutex);
      pthread_cond_wait(condition, mutex);
      pthread_mutex_unlock(mutex);
    };
    EXPECT_THAT(words_of(wait, [condition] { pthread_cond_signal(condition); }),
                StartsWith("pthread condition variable at 0x"));
    delete condition;
    delete mutex;
  });
}

TEST(HookedWaits, ALookupSaysForWhom) {
  std::array<char, 80> text{};
  AddressCall("example", nullptr, nullptr).describe(text);
  EXPECT_STREQ(text.data(), "getaddrinfo example");
  std::array<char, 12> short_text{};
  AddressCall("example", nullptr, nullptr).describe(short_text);
  EXPECT_STREQ(short_text.data(), "getaddrinfo");
  AddressCall(nullptr, "http", nullptr).describe(text);
  EXPECT_STREQ(text.data(), "getaddrinfo http");
}

}  // namespace
}  // namespace colibri
