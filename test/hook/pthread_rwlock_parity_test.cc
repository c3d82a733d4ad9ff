// pthread_rwlock_* give what libc gives, for read-write locks of every kind.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "test/hook/pthread_functions.h"

namespace colibri::test {
namespace {

constexpr long kMillisecond = 1'000'000;
constexpr long kHour = 3'600'000'000'000;

/// A lock in the heap: on a shared stack no other coroutine may touch it.
class RwlockUnderTest {
 public:
  explicit RwlockUnderTest(Session& session, int kind = PTHREAD_RWLOCK_DEFAULT_NP,
                           int sharing = PTHREAD_PROCESS_PRIVATE)
      : session_(session) {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, kind);
    pthread_rwlockattr_setpshared(&attributes, sharing);
    EXPECT_EQ(find("pthread_rwlock_init", pthread_rwlock_init)(lock_.get(), &attributes), 0);
    pthread_rwlockattr_destroy(&attributes);
  }
  RwlockUnderTest(Session& session, const pthread_rwlock_t& initial) : session_(session) {
    *lock_ = initial;
  }

  void read() { note("pthread_rwlock_rdlock", pthread_rwlock_rdlock); }
  void try_read() { note("pthread_rwlock_tryrdlock", pthread_rwlock_tryrdlock); }
  void write() { note("pthread_rwlock_wrlock", pthread_rwlock_wrlock); }
  void try_write() { note("pthread_rwlock_trywrlock", pthread_rwlock_trywrlock); }
  void unlock() { note("pthread_rwlock_unlock", pthread_rwlock_unlock); }
  void destroy() { note("pthread_rwlock_destroy", pthread_rwlock_destroy); }
  void read_until(const timespec& until) {
    note("pthread_rwlock_timedrdlock", pthread_rwlock_timedrdlock, &until);
  }
  void write_until(const timespec& until) {
    note("pthread_rwlock_timedwrlock", pthread_rwlock_timedwrlock, &until);
  }
  void read_until(clockid_t clock, const timespec& until) {
    note("pthread_rwlock_clockrdlock", pthread_rwlock_clockrdlock, clock, &until);
  }
  void write_until(clockid_t clock, const timespec& until) {
    note("pthread_rwlock_clockwrlock", pthread_rwlock_clockwrlock, clock, &until);
  }

  /// What unlocks it and notes nothing, for helpers.
  std::function<void()> unlocking() const {
    return [unlock = find("pthread_rwlock_unlock", pthread_rwlock_unlock), lock = lock_.get()] {
      unlock(lock);
    };
  }

 private:
  template <class Function>
  Function* find(const char* name, Function* hooked) const {
    return session_.either(name, hooked);
  }
  template <class Function, class... Arguments>
  void note(const char* name, Function* hooked, Arguments... arguments) {
    Function* const function = find(name, hooked);
    note_error(session_, [&] { return function(lock_.get(), arguments...); });
  }

  Session& session_;
  std::unique_ptr<pthread_rwlock_t> lock_ = std::make_unique<pthread_rwlock_t>();
};

void lock_in_all_ways(Session& session, RwlockUnderTest& lock) {
  lock.write();
  elsewhere(session, [&] {
    lock.try_read();
    lock.try_write();
    lock.read_until(from_now(CLOCK_REALTIME, kMillisecond));
    lock.write_until(from_now(CLOCK_REALTIME, kMillisecond));
    lock.read_until(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, kMillisecond));
    lock.write_until(CLOCK_REALTIME, from_now(CLOCK_REALTIME, -kHour));
  });
  lock.unlock();
  lock.read();
  elsewhere(session, [&] {
    lock.try_read();
    lock.unlock();
    lock.try_write();
    lock.write_until(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, kMillisecond));
    lock.read_until(from_now(CLOCK_REALTIME, kHour));
    lock.unlock();
  });
  lock.unlock();
  lock.write_until(from_now(CLOCK_REALTIME, kHour));
  lock.unlock();
  lock.destroy();
}
constexpr const char* kInAllWays =
    "0, EBUSY, EBUSY, ETIMEDOUT, ETIMEDOUT, ETIMEDOUT, ETIMEDOUT, 0, "
    "0, 0, 0, EBUSY, ETIMEDOUT, 0, 0, 0, 0, 0, 0";

std::vector<ParityCase> kinds() {
  std::vector<ParityCase> cases;
  for (const auto& [name, kind] :
       {std::pair("PrefersReaders", PTHREAD_RWLOCK_PREFER_READER_NP),
        std::pair("PrefersWriters", PTHREAD_RWLOCK_PREFER_WRITER_NP),
        std::pair("PrefersWritersStrictly", PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)}) {
    cases.push_back({name, kInAllWays, [kind = kind](Session& session) {
                       RwlockUnderTest lock(session, kind);
                       lock_in_all_ways(session, lock);
                     }});
    cases.push_back({std::string(name) + "Shared", kInAllWays, [kind = kind](Session& session) {
                       RwlockUnderTest lock(session, kind, PTHREAD_PROCESS_SHARED);
                       lock_in_all_ways(session, lock);
                     }});
  }
  const std::pair<const char*, pthread_rwlock_t> initializers[] = {
      {"Initializer", PTHREAD_RWLOCK_INITIALIZER},
      {"WriterInitializer", PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP}};
  for (const auto& [name, initial] : initializers) {
    cases.push_back({name, kInAllWays, [initial = initial](Session& session) {
                       RwlockUnderTest lock(session, initial);
                       lock_in_all_ways(session, lock);
                     }});
  }
  return cases;
}

const ParityCase kOwners[] = {
    {"WritersWhoLockAgain", "0, EDEADLK, EDEADLK, EDEADLK, EDEADLK, EBUSY, EBUSY, 0",
     [](Session& session) {
       RwlockUnderTest lock(session);
       lock.write();
       lock.write();
       lock.read();
       lock.write_until(from_now(CLOCK_REALTIME, kHour));
       lock.read_until(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, -kHour));
       lock.try_write();
       lock.try_read();
       lock.unlock();
     }},
    {"ReadersWhoLockAgain", "0, 0, 0, EBUSY, 0, 0, EBUSY, 0, 0, 0",
     [](Session& session) {
       RwlockUnderTest lock(session);
       lock.read();
       lock.read();
       lock.try_read();
       lock.try_write();
       lock.unlock();
       lock.unlock();
       elsewhere(session, [&] { lock.try_write(); });
       lock.unlock();
       elsewhere(session, [&] { lock.try_write(); });
       lock.unlock();
     }},
    {"ADefaultOneLetsReadersPastWaitingWriters", "0, ETIMEDOUT, 0, 0, 0",
     [](Session& session) {
       RwlockUnderTest lock(session);
       lock.read();
       elsewhere(session, [&] {
         lock.write_until(from_now(CLOCK_REALTIME, kMillisecond));
         lock.try_read();
       });
       lock.unlock();
       lock.unlock();
     }},
    {"AWriterWhoGivesUpKeepsNobodyOut", "0, ETIMEDOUT, 0, 0, 0",
     [](Session& session) {
       RwlockUnderTest lock(session, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
       lock.read();
       elsewhere(session, [&] {
         lock.write_until(from_now(CLOCK_REALTIME, kMillisecond));
         lock.try_read();
       });
       lock.unlock();
       lock.unlock();
     }},
    {"TheLastReaderLetsAWriterIn", "0, 0, 0, 0, EBUSY, 0",
     [](Session& session) {
       RwlockUnderTest lock(session);
       lock.read();
       lock.read();
       lock.unlock();
       session.meanwhile(lock.unlocking());
       lock.write();
       elsewhere(session, [&] { lock.try_read(); });
       lock.unlock();
     }},
};

const ParityCase kErrors[] = {
    {"BadTimes", "EINVAL, EINVAL, EINVAL, 0, EINVAL, 0",
     [](Session& session) {
       RwlockUnderTest lock(session);
       lock.read_until(timespec{0, -1});  // is looked at before all
       lock.write_until(timespec{0, 1'000'000'000});
       lock.write_until(CLOCK_MONOTONIC, timespec{0, -1});
       lock.write();
       lock.write_until(timespec{0, -1});
       lock.unlock();
     }},
    {"TimesBeforeAll", "0, ETIMEDOUT, ETIMEDOUT, 0",
     [](Session& session) {
       RwlockUnderTest lock(session);
       lock.write();
       elsewhere(session, [&] {
         lock.read_until(timespec{-5, 0});
         lock.write_until(CLOCK_MONOTONIC, timespec{-5, 0});
       });
       lock.unlock();
     }},
    {"BadClocks", "EINVAL, EINVAL",
     [](Session& session) {
       RwlockUnderTest lock(session);
       lock.read_until(CLOCK_BOOTTIME, timespec{});
       lock.write_until(CLOCK_PROCESS_CPUTIME_ID, timespec{});
     }},
    {"DestroyedWhileHeld", "0, 0, 0",
     [](Session& session) {
       RwlockUnderTest lock(session);
       lock.read();
       lock.destroy();
       lock.unlock();
     }},
};

class PthreadRwlockParity : public testing::TestWithParam<ParityCase> {};

TEST_P(PthreadRwlockParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kinds, PthreadRwlockParity, testing::ValuesIn(kinds()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Owners, PthreadRwlockParity, testing::ValuesIn(kOwners),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Errors, PthreadRwlockParity, testing::ValuesIn(kErrors),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
