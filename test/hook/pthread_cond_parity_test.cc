// pthread_cond_* give what libc gives, and return with the mutex held.
#include <gtest/gtest.h>

#include <memory>

#include "test/hook/pthread_functions.h"

namespace colibri::test {
namespace {

constexpr long kMillisecond = 1'000'000;
constexpr long kHour = 3'600'000'000'000;

/// A condition variable and its mutex, in the heap, since helpers use them.
class Monitor {
 public:
  explicit Monitor(Session& session, int mutex_kind = PTHREAD_MUTEX_NORMAL,
                   int sharing = PTHREAD_PROCESS_PRIVATE, clockid_t clock = CLOCK_REALTIME)
      : session_(session), locks_(locks_of(session)) {
    pthread_mutexattr_t of_mutex;
    pthread_mutexattr_init(&of_mutex);
    pthread_mutexattr_settype(&of_mutex, mutex_kind);
    pthread_mutexattr_setpshared(&of_mutex, sharing);
    locks_.mutex_init(&state_->mutex, &of_mutex);
    pthread_condattr_t of_cond;
    pthread_condattr_init(&of_cond);
    pthread_condattr_setpshared(&of_cond, sharing);
    pthread_condattr_setclock(&of_cond, clock);
    locks_.cond_init(&state_->cond, &of_cond);
  }
  ~Monitor() {
    EXPECT_EQ(locks_.cond_destroy(&state_->cond), 0);
    EXPECT_EQ(locks_.mutex_destroy(&state_->mutex), 0);
  }
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  void lock() { locks_.mutex_lock(&state_->mutex); }
  void unlock() { locks_.mutex_unlock(&state_->mutex); }
  void wait() {
    note_error(session_, [this] { return locks_.cond_wait(&state_->cond, &state_->mutex); });
  }
  void wait_until(const timespec& until) {
    note_error(session_,
               [&] { return locks_.cond_timedwait(&state_->cond, &state_->mutex, &until); });
  }
  void wait_until(clockid_t clock, const timespec& until) {
    note_error(session_,
               [&] { return locks_.cond_clockwait(&state_->cond, &state_->mutex, clock, &until); });
  }
  void signal() {
    note_error(session_, [this] { return locks_.cond_signal(&state_->cond); });
  }
  void broadcast() {
    note_error(session_, [this] { return locks_.cond_broadcast(&state_->cond); });
  }
  /// What another flow finds.
  void note_whether_held() {
    int result = 0;
    elsewhere(session_, [&result, state = state_, &locks = locks_] {
      result = locks.mutex_trylock(&state->mutex);
      if (result == 0) locks.mutex_unlock(&state->mutex);
    });
    session_.note_if(result == EBUSY, "held");
  }
  /// Has a helper do something with the mutex held, as soon as this flow waits.
  void meanwhile_locked(std::function<void(const Locks&, pthread_cond_t*)> action) {
    session_.meanwhile([state = state_, &locks = locks_, action = std::move(action)] {
      locks.mutex_lock(&state->mutex);
      action(locks, &state->cond);
      locks.mutex_unlock(&state->mutex);
    });
  }

 private:
  struct State {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
  };
  Session& session_;
  const Locks& locks_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

const ParityCase kCases[] = {
    {"NobodyWaits", "0, 0",
     [](Session& session) {
       Monitor monitor(session);
       monitor.signal();
       monitor.broadcast();
     }},
    {"Signalled", "0, held",
     [](Session& session) {
       Monitor monitor(session);
       monitor.lock();
       monitor.meanwhile_locked(
           [](const Locks& locks, pthread_cond_t* cond) { locks.cond_signal(cond); });
       monitor.wait();
       monitor.note_whether_held();
       monitor.unlock();
     }},
    {"BroadcastToATimedWait", "0, held",
     [](Session& session) {
       Monitor monitor(session, PTHREAD_MUTEX_ERRORCHECK);
       monitor.lock();
       monitor.meanwhile_locked(
           [](const Locks& locks, pthread_cond_t* cond) { locks.cond_broadcast(cond); });
       monitor.wait_until(from_now(CLOCK_REALTIME, kHour));
       monitor.note_whether_held();
       monitor.unlock();
     }},
    {"TimesOut", "ETIMEDOUT, ETIMEDOUT, ETIMEDOUT, ETIMEDOUT, held, not held",
     [](Session& session) {
       Monitor monitor(session);
       monitor.lock();
       monitor.wait_until(from_now(CLOCK_REALTIME, kMillisecond));
       monitor.wait_until(timespec{-1, 0});
       monitor.wait_until(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, kMillisecond));
       monitor.wait_until(CLOCK_REALTIME, from_now(CLOCK_REALTIME, -kHour));
       monitor.note_whether_held();
       monitor.unlock();
       monitor.note_whether_held();
     }},
    {"TheClockOfItsAttributes", "ETIMEDOUT, ETIMEDOUT",
     [](Session& session) {
       Monitor monitor(session, PTHREAD_MUTEX_NORMAL, PTHREAD_PROCESS_PRIVATE, CLOCK_MONOTONIC);
       monitor.lock();
       monitor.wait_until(from_now(CLOCK_MONOTONIC, kMillisecond));
       monitor.wait_until(CLOCK_REALTIME, from_now(CLOCK_REALTIME, kMillisecond));
       monitor.unlock();
     }},
    {"BadTimesAndClocks", "EINVAL, EINVAL, EINVAL, held",
     [](Session& session) {
       Monitor monitor(session);
       monitor.lock();
       monitor.wait_until(timespec{0, -1});
       monitor.wait_until(CLOCK_MONOTONIC, timespec{0, 1'000'000'000});
       monitor.wait_until(CLOCK_BOOTTIME, timespec{});
       monitor.note_whether_held();
       monitor.unlock();
     }},
    {"WithAMutexThatIsNotHeld", "EPERM, not held",
     [](Session& session) {
       Monitor monitor(session, PTHREAD_MUTEX_ERRORCHECK);
       monitor.wait();
       monitor.note_whether_held();
     }},
    {"Shared", "0, 0, ETIMEDOUT, held",
     [](Session& session) {
       Monitor monitor(session, PTHREAD_MUTEX_NORMAL, PTHREAD_PROCESS_SHARED);
       monitor.signal();
       monitor.broadcast();
       monitor.lock();
       monitor.wait_until(from_now(CLOCK_REALTIME, kMillisecond));
       monitor.note_whether_held();
       monitor.unlock();
     }},
};

class PthreadCondParity : public testing::TestWithParam<ParityCase> {};

TEST_P(PthreadCondParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, PthreadCondParity, testing::ValuesIn(kCases),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
