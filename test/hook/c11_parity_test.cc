// mtx_*, cnd_*, thrd_sleep and thrd_yield of C11 give what libc gives.
#include <gtest/gtest.h>
#include <threads.h>

#include <memory>
#include <string>
#include <vector>

#include "test/hook/pthread_functions.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

constexpr long kMillisecond = 1'000'000;
constexpr long kHour = 3'600'000'000'000;

const char* name_of(int result) {
  switch (result) {
    case thrd_success:
      return "success";
    case thrd_busy:
      return "busy";
    case thrd_timedout:
      return "timedout";
    case thrd_error:
      return "error";
    default:
      return "something else";
  }
}

/// A mutex and a condition in the heap, since helpers use them.
class MonitorOfC11 {
 public:
  MonitorOfC11(Session& session, int type) : session_(session) {
    note(session_.either("mtx_init", mtx_init)(mutex(), type));
    note(session_.either("cnd_init", cnd_init)(condition()));
  }
  ~MonitorOfC11() {
    session_.either("cnd_destroy", cnd_destroy)(condition());
    session_.either("mtx_destroy", mtx_destroy)(mutex());
  }
  MonitorOfC11(const MonitorOfC11&) = delete;
  MonitorOfC11& operator=(const MonitorOfC11&) = delete;

  void lock() { note(session_.either("mtx_lock", mtx_lock)(mutex())); }
  void try_lock() { note(session_.either("mtx_trylock", mtx_trylock)(mutex())); }
  void unlock() { note(session_.either("mtx_unlock", mtx_unlock)(mutex())); }
  void lock_until(const timespec& until) {
    note(session_.either("mtx_timedlock", mtx_timedlock)(mutex(), &until));
  }
  void wait() { note(session_.either("cnd_wait", cnd_wait)(condition(), mutex())); }
  void wait_until(const timespec& until) {
    note(session_.either("cnd_timedwait", cnd_timedwait)(condition(), mutex(), &until));
  }
  void signal() { note(session_.either("cnd_signal", cnd_signal)(condition())); }
  void broadcast() { note(session_.either("cnd_broadcast", cnd_broadcast)(condition())); }

  /// Has a helper call cnd_signal or cnd_broadcast with the mutex held, once this flow waits.
  void meanwhile(decltype(&cnd_signal) tell) {
    session_.meanwhile([state = state_, tell, lock = session_.either("mtx_lock", mtx_lock),
                        unlock = session_.either("mtx_unlock", mtx_unlock)] {
      lock(&state->mutex);
      tell(&state->condition);
      unlock(&state->mutex);
    });
  }

 private:
  struct State {
    mtx_t mutex;
    cnd_t condition;
  };
  mtx_t* mutex() { return &state_->mutex; }
  cnd_t* condition() { return &state_->condition; }
  void note(int result) { session_.note(name_of(result)); }

  Session& session_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

std::vector<ParityCase> mutexes() {
  std::vector<ParityCase> cases;
  for (const auto& [name, type] :
       {std::pair("Plain", int{mtx_plain}), std::pair("Timed", int{mtx_timed}),
        std::pair("Recursive", int{mtx_recursive}),
        std::pair("TimedRecursive", mtx_timed | mtx_recursive)}) {
    cases.push_back({name, "success, success, success, busy, timedout, timedout, success, success",
                     [type = type](Session& session) {
                       MonitorOfC11 monitor(session, type);
                       monitor.lock();
                       elsewhere(session, [&] {
                         monitor.try_lock();
                         monitor.lock_until(from_now(CLOCK_REALTIME, kMillisecond));
                         monitor.lock_until(from_now(CLOCK_REALTIME, -kHour));
                       });
                       monitor.unlock();
                       elsewhere(session,
                                 [&] { monitor.lock_until(from_now(CLOCK_REALTIME, kHour)); });
                     }});
  }
  return cases;
}

/// thrd_sleep, with the flow's errno as it was.
void sleep_for(Session& session, const timespec& duration, timespec* remaining) {
  errno = 0;
  const int result = session.either("thrd_sleep", thrd_sleep)(&duration, remaining);
  session.note(std::to_string(result));
  if (errno != 0) session.append("and errno");
}

const ParityCase kOthers[] = {
    {"RecursiveIsEnteredAgain",
     "success, success, success, success, success, busy, success, busy, success, success, success",
     [](Session& session) {
       MonitorOfC11 monitor(session, mtx_recursive);
       monitor.lock();
       monitor.lock();
       monitor.unlock();
       elsewhere(session, [&] { monitor.try_lock(); });
       monitor.try_lock();
       elsewhere(session, [&] { monitor.try_lock(); });
       monitor.unlock();
       monitor.unlock();
       elsewhere(session, [&] { monitor.try_lock(); });
     }},
    {"BadTime", "success, success, success, error, success",
     [](Session& session) {
       MonitorOfC11 monitor(session, mtx_timed);
       monitor.lock();
       elsewhere(session, [&] { monitor.lock_until(timespec{0, -1}); });
       monitor.unlock();
     }},
    {"Signalled", "success, success, success, success, success",
     [](Session& session) {
       MonitorOfC11 monitor(session, mtx_plain);
       monitor.lock();
       monitor.meanwhile(session.either("cnd_signal", cnd_signal));
       monitor.wait();
       monitor.unlock();
       session.finish_helpers();
     }},
    {"BroadcastToATimedWait", "success, success, success, success, success",
     [](Session& session) {
       MonitorOfC11 monitor(session, mtx_plain);
       monitor.lock();
       monitor.meanwhile(session.either("cnd_broadcast", cnd_broadcast));
       monitor.wait_until(from_now(CLOCK_REALTIME, kHour));
       monitor.unlock();
       session.finish_helpers();
     }},
    {"AWaitTimesOut", "success, success, success, success, success, timedout, error, success",
     [](Session& session) {
       MonitorOfC11 monitor(session, mtx_plain);
       monitor.signal();
       monitor.broadcast();
       monitor.lock();
       monitor.wait_until(from_now(CLOCK_REALTIME, kMillisecond));
       monitor.wait_until(timespec{0, -1});
       monitor.unlock();
     }},
    {"Sleep", "0, -2, -2, 0",
     [](Session& session) {
       sleep_for(session, {0, kMillisecond}, nullptr);
       sleep_for(session, {0, -1}, nullptr);
       sleep_for(session, {-1, 0}, nullptr);
       session.either("thrd_yield", thrd_yield)();
       sleep_for(session, {0, 0}, nullptr);
     }},
    {"SleepEndedByASignal", "-1, something is left",
     [](Session& session) {
       const SignalCounter signals(session, SIGUSR1);
       session.meanwhile([&session] { session.raise_there(SIGUSR1); });
       timespec remaining{};
       sleep_for(session, {3600, 0}, &remaining);
       session.note_if(remaining.tv_sec > 0 && remaining.tv_sec < 3600, "something is left");
     }},
};

class C11Parity : public testing::TestWithParam<ParityCase> {};

TEST_P(C11Parity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Mutexes, C11Parity, testing::ValuesIn(mutexes()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Others, C11Parity, testing::ValuesIn(kOthers),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
