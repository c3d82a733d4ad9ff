// pthread_mutex_* give what libc gives, for mutexes of every kind.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "test/hook/pthread_functions.h"
#include "test/support/missing_calls.h"

namespace colibri::test {
namespace {

constexpr long kMillisecond = 1'000'000;
constexpr long kHour = 3'600'000'000'000;

/// A mutex in the heap, as attributes say: on a shared stack no other coroutine may touch it.
class MutexUnderTest {
 public:
  MutexUnderTest(Session& session, const std::function<void(pthread_mutexattr_t*)>& describe)
      : session_(session), locks_(locks_of(session)) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    describe(&attributes);
    EXPECT_EQ(locks_.mutex_init(mutex_.get(), &attributes), 0);
    pthread_mutexattr_destroy(&attributes);
  }
  MutexUnderTest(Session& session, int kind)
      : MutexUnderTest(session, [kind](pthread_mutexattr_t* attributes) {
          pthread_mutexattr_settype(attributes, kind);
        }) {}
  MutexUnderTest(Session& session, const pthread_mutex_t& initial)
      : session_(session), locks_(locks_of(session)) {
    *mutex_ = initial;
  }

  void lock() {
    note([this] { return locks_.mutex_lock(mutex_.get()); });
  }
  void try_lock() {
    note([this] { return locks_.mutex_trylock(mutex_.get()); });
  }
  void unlock() {
    note([this] { return locks_.mutex_unlock(mutex_.get()); });
  }
  void destroy() {
    note([this] { return locks_.mutex_destroy(mutex_.get()); });
  }
  void timed_lock(const timespec& until) {
    note([&] { return locks_.mutex_timedlock(mutex_.get(), &until); });
  }
  void clock_lock(clockid_t clock, const timespec& until) {
    note([&] { return locks_.mutex_clocklock(mutex_.get(), clock, &until); });
  }
  pthread_mutex_t* get() { return mutex_.get(); }

 private:
  template <class Call>
  void note(Call call) {
    note_error(session_, call);
  }

  Session& session_;
  const Locks& locks_;
  std::unique_ptr<pthread_mutex_t> mutex_ = std::make_unique<pthread_mutex_t>();
};

void lock_in_all_ways(Session& session, MutexUnderTest& mutex) {
  mutex.lock();
  elsewhere(session, [&] {
    mutex.try_lock();
    mutex.timed_lock(from_now(CLOCK_REALTIME, kMillisecond));
    mutex.clock_lock(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, kMillisecond));
    mutex.clock_lock(CLOCK_REALTIME, from_now(CLOCK_REALTIME, -kHour));
  });
  mutex.unlock();
  elsewhere(session, [&] {
    mutex.try_lock();
    mutex.unlock();
    mutex.timed_lock(from_now(CLOCK_REALTIME, kHour));
    mutex.unlock();
    mutex.clock_lock(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, -kHour));
    mutex.unlock();
  });
  mutex.destroy();
}
constexpr const char* kInAllWays =
    "0, EBUSY, ETIMEDOUT, ETIMEDOUT, ETIMEDOUT, 0, 0, 0, 0, 0, 0, 0, 0";

std::vector<ParityCase> kinds() {
  std::vector<ParityCase> cases;
  for (const auto& [name, kind] :
       {std::pair("Normal", PTHREAD_MUTEX_NORMAL), std::pair("Recursive", PTHREAD_MUTEX_RECURSIVE),
        std::pair("ErrorCheck", PTHREAD_MUTEX_ERRORCHECK),
        std::pair("Adaptive", PTHREAD_MUTEX_ADAPTIVE_NP)}) {
    cases.push_back({name, kInAllWays, [kind = kind](Session& session) {
                       MutexUnderTest mutex(session, kind);
                       lock_in_all_ways(session, mutex);
                     }});
  }
  const std::pair<const char*, pthread_mutex_t> initializers[] = {
      {"Initializer", PTHREAD_MUTEX_INITIALIZER},
      {"RecursiveInitializer", PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP},
      {"ErrorCheckInitializer", PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP},
      {"AdaptiveInitializer", PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP}};
  for (const auto& [name, initial] : initializers) {
    cases.push_back({name, kInAllWays, [initial = initial](Session& session) {
                       MutexUnderTest mutex(session, initial);
                       lock_in_all_ways(session, mutex);
                     }});
  }
  const struct {
    const char* name;
    void (*describe)(pthread_mutexattr_t*);
    const char* (*missing)() = nullptr;
  } of_libc[] = {{"Shared",
                  [](pthread_mutexattr_t* attributes) {
                    pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED);
                  }},
                 {"Robust",
                  [](pthread_mutexattr_t* attributes) {
                    pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST);
                  }},
                 {"Inheriting",
                  [](pthread_mutexattr_t* attributes) {
                    pthread_mutexattr_setprotocol(attributes, PTHREAD_PRIO_INHERIT);
                  },
                  &missing_monotonic_inheritance}};
  for (const auto& [name, describe, missing] : of_libc) {
    cases.push_back({name, kInAllWays,
                     [describe = describe](Session& session) {
                       MutexUnderTest mutex(session, describe);
                       lock_in_all_ways(session, mutex);
                     },
                     missing});
  }
  return cases;
}

const ParityCase kOwners[] = {
    {"RecursiveIsEnteredAgain", "0, 0, 0, 0, EBUSY, 0, 0, 0, EBUSY, 0, EPERM, 0, 0, EPERM",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_RECURSIVE);
       mutex.lock();
       mutex.lock();
       mutex.try_lock();
       mutex.timed_lock(from_now(CLOCK_REALTIME, -kHour));
       elsewhere(session, [&] { mutex.try_lock(); });
       for (int i = 0; i < 3; ++i) mutex.unlock();
       elsewhere(session, [&] { mutex.try_lock(); });
       mutex.unlock();
       mutex.unlock();
       elsewhere(session, [&] {
         mutex.try_lock();
         mutex.unlock();
         mutex.unlock();
       });
     }},
    {"RecursiveIsNotUnlockedByOthers", "0, EPERM, EBUSY, 0, 0, 0",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_RECURSIVE);
       mutex.lock();
       elsewhere(session, [&] {
         mutex.unlock();
         mutex.try_lock();
       });
       mutex.unlock();
       elsewhere(session, [&] {
         mutex.try_lock();
         mutex.unlock();
       });
     }},
    {"ErrorCheckNoticesMisuse", "EPERM, 0, EDEADLK, EBUSY, EDEADLK, EDEADLK, EPERM, 0, EPERM",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_ERRORCHECK);
       mutex.unlock();
       mutex.lock();
       mutex.lock();
       mutex.try_lock();
       mutex.timed_lock(from_now(CLOCK_REALTIME, kHour));
       mutex.clock_lock(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, kHour));
       elsewhere(session, [&] { mutex.unlock(); });
       mutex.unlock();
       mutex.unlock();
     }},
    {"AnybodyUnlocksANormalOne", "0, EBUSY, 0, 0, 0",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_NORMAL);
       mutex.lock();
       mutex.try_lock();
       elsewhere(session, [&] { mutex.unlock(); });
       mutex.try_lock();
       mutex.unlock();
     }},
};

const ParityCase kErrors[] = {
    {"DestroyedWhileLocked", "0, EBUSY, 0, 0",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_NORMAL);
       mutex.lock();
       mutex.destroy();
       mutex.unlock();
       mutex.destroy();
     }},
    {"UsedAfterDestruction", "0, EINVAL, EINVAL, EINVAL",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_NORMAL);
       mutex.destroy();
       mutex.lock();
       mutex.try_lock();
       mutex.unlock();
     }},
    {"BadTimes", "0, 0, 0, EINVAL, EINVAL, 0",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_NORMAL);
       mutex.timed_lock(timespec{0, -1});  // is not looked at where there is nothing to wait for
       mutex.unlock();
       mutex.lock();
       elsewhere(session, [&] {
         mutex.timed_lock(timespec{0, -1});
         mutex.clock_lock(CLOCK_MONOTONIC, timespec{0, 1'000'000'000});
       });
       mutex.unlock();
     }},
    {"TimesBeforeAll", "0, ETIMEDOUT, ETIMEDOUT, 0",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_NORMAL);
       mutex.lock();
       elsewhere(session, [&] {
         mutex.timed_lock(timespec{-5, 0});
         mutex.clock_lock(CLOCK_MONOTONIC, timespec{-5, 0});
       });
       mutex.unlock();
     }},
    {"BadClock", "EINVAL, EINVAL",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_NORMAL);
       mutex.clock_lock(CLOCK_BOOTTIME, timespec{});
       mutex.clock_lock(CLOCK_PROCESS_CPUTIME_ID, timespec{});
     }},
    {"OnlyRobustOnesAreMadeConsistent", "0, EINVAL, 0",
     [](Session& session) {
       MutexUnderTest mutex(session, PTHREAD_MUTEX_NORMAL);
       mutex.lock();
       note_error(session, [&] { return pthread_mutex_consistent(mutex.get()); });
       mutex.unlock();
     }},
};

class PthreadMutexParity : public testing::TestWithParam<ParityCase> {};

TEST_P(PthreadMutexParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kinds, PthreadMutexParity, testing::ValuesIn(kinds()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Owners, PthreadMutexParity, testing::ValuesIn(kOwners),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Errors, PthreadMutexParity, testing::ValuesIn(kErrors),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
