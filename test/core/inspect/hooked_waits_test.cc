// What coroutines say that wait in the hooks, at what the C library has for threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <semaphore.h>

#include <array>
#include <string>
#include <vector>

#include "colibri/core/event.h"
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

void lock_and_unlock(pthread_mutex_t* mutex) {
  pthread_mutex_lock(mutex);
  pthread_mutex_unlock(mutex);
}

TEST(HookedWaits, AMutexOfTheUsualKindNamesWhoHoldsIt) {
  run_in_scheduler([] {
    pthread_mutex_t* mutex = new_mutex(PTHREAD_MUTEX_NORMAL);
    Event done;
    Task<void> writer = spawn({.name = "writer"}, [mutex, &done] {
      pthread_mutex_lock(mutex);
      done.wait();
      pthread_mutex_unlock(mutex);
    });
    yield();
    const std::string id = std::to_string(Scheduler::current("test").newest().id);
    EXPECT_THAT(words_of([mutex] { lock_and_unlock(mutex); }, [&done] { done.set(); }),
                MatchesRegex("pthread mutex at 0x[0-9a-f]+ held by #" + id + " 'writer'"));
    writer.join();
    delete mutex;
  });
}

TEST(HookedWaits, AMutexNamesWhoHoldsItNowWhicheverWayHeGotIt) {
  run_in_scheduler([] {
    pthread_mutex_t* mutex = new_mutex(PTHREAD_MUTEX_NORMAL);
    auto* condition = new pthread_cond_t(PTHREAD_COND_INITIALIZER);
    const auto holder = [mutex] {
      return words_of([mutex] { lock_and_unlock(mutex); },
                      [mutex] { pthread_mutex_unlock(mutex); });
    };
    const auto named = [](const char* name) {
      return MatchesRegex("pthread mutex at 0x[0-9a-f]+ held by #[0-9]+ '" + std::string(name) +
                          "'");
    };
    spawn({.name = "tries"}, [&] {
      EXPECT_EQ(pthread_mutex_trylock(mutex), 0);
      EXPECT_THAT(holder(), named("tries"));
    }).join();
    Task<void> waits = spawn({.name = "waits on a condition"}, [&] {
      pthread_mutex_lock(mutex);
      pthread_cond_wait(condition, mutex);
      EXPECT_THAT(holder(), named("waits on a condition"));
    });
    yield();
    pthread_mutex_lock(mutex);
    Task<void> second = spawn({.name = "has waited"}, [&] {
      pthread_mutex_lock(mutex);
      EXPECT_THAT(holder(), named("has waited"));
    });
    yield();
    pthread_mutex_unlock(mutex);
    second.join();
    pthread_cond_signal(condition);
    waits.join();
    delete condition;
    delete mutex;
  });
}

TEST(HookedWaits, AMutexThatAThreadHoldsSaysSo) {
  pthread_mutex_t* mutex = new_mutex(PTHREAD_MUTEX_NORMAL);
  pthread_mutex_lock(mutex);
  run_in_scheduler([mutex] {
    EXPECT_THAT(
        words_of([mutex] { lock_and_unlock(mutex); }, [mutex] { pthread_mutex_unlock(mutex); }),
        MatchesRegex("pthread mutex at 0x[0-9a-f]+ held by a plain thread"));
  });
  delete mutex;
}

TEST(HookedWaits, AChainGoesOnOverMutexesOfTheUsualKind) {
  run_in_scheduler([] {
    pthread_mutex_t* first = new_mutex(PTHREAD_MUTEX_NORMAL);
    pthread_mutex_t* second = new_mutex(PTHREAD_MUTEX_NORMAL);
    Event done;
    Task<void> last = spawn({.name = "last"}, [&] {
      pthread_mutex_lock(second);
      done.wait();
      pthread_mutex_unlock(second);
    });
    Task<void> middle = spawn({.name = "middle"}, [&] {
      pthread_mutex_lock(first);
      lock_and_unlock(second);
      pthread_mutex_unlock(first);
    });
    Task<void> outer = spawn({.name = "outer"}, [&] { lock_and_unlock(first); });
    yield();
    const std::string label = "#[0-9]+ '";
    const std::string mutex = " waits for pthread mutex at 0x[0-9a-f]+ held by " + label;
    EXPECT_THAT(why(Scheduler::current("test").newest().id),
                MatchesRegex(label + "outer'" + mutex + "middle'\n" + label + "middle'" + mutex +
                             "last'\n" + label + "last' waits for event\n"));
    EXPECT_TRUE(find_cycles().empty());
    done.set();
    last.join();
    middle.join();
    outer.join();
    delete first;
    delete second;
  });
}

/// Locks both, the second after others have run.
void lock_in_order(pthread_mutex_t* first, pthread_mutex_t* second) {
  pthread_mutex_lock(first);
  yield();
  pthread_mutex_lock(second);
  pthread_mutex_unlock(second);
  pthread_mutex_unlock(first);
}

TEST(HookedWaits, ACycleOfMutexesOfTheUsualKindIsFound) {
  run_in_scheduler([] {
    pthread_mutex_t* left = new_mutex(PTHREAD_MUTEX_NORMAL);
    pthread_mutex_t* right = new_mutex(PTHREAD_MUTEX_NORMAL);
    Task<void> there = spawn({.name = "there"}, lock_in_order, left, right);
    Task<void> back = spawn({.name = "back"}, lock_in_order, right, left);
    yield();
    yield();
    const std::vector<WaitChain> cycles = find_cycles();
    ASSERT_EQ(cycles.size(), 1U);
    const std::string mutex = " waits for pthread mutex at 0x[0-9a-f]+ held by #[0-9]+ '";
    EXPECT_THAT(to_string(cycles.front()),
                MatchesRegex("#[0-9]+ 'there'" + mutex + "back'\n#[0-9]+ 'back'" + mutex +
                             "there'\nwhich is a cycle, back to #[0-9]+ 'there'\n"));
    // As nobody but a test would: a mutex of the usual kind asks nobody who unlocks it.
    pthread_mutex_unlock(left);
    back.join();
    there.join();
    delete left;
    delete right;
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
