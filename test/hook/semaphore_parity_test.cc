// sem_* give what libc gives, private semaphores and shared ones.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <semaphore.h>

#include <memory>
#include <vector>

#include "test/hook/pthread_functions.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

constexpr long kMillisecond = 1'000'000;
constexpr long kHour = 3'600'000'000'000;

/// A semaphore in the heap: on a shared stack no other coroutine may touch it.
class SemaphoreUnderTest {
 public:
  SemaphoreUnderTest(Session& session, int shared, unsigned value) : session_(session) {
    const auto init = session.either("sem_init", sem_init);
    session_.measure([&] { return init(semaphore_.get(), shared, value); });
  }

  void wait() { measure("sem_wait", sem_wait); }
  void try_wait() { measure("sem_trywait", sem_trywait); }
  void post() { measure("sem_post", sem_post); }
  void destroy() { measure("sem_destroy", sem_destroy); }
  void wait_until(const timespec& until) { measure("sem_timedwait", sem_timedwait, &until); }
  void wait_until(clockid_t clock, const timespec& until) {
    measure("sem_clockwait", sem_clockwait, clock, &until);
  }
  void note_value() {
    int value = -1;
    measure("sem_getvalue", sem_getvalue, &value);
    session_.append("value " + std::to_string(value));
  }

  /// Posts and notes nothing, for helpers.
  std::function<void()> posting() const {
    return [post = session_.either("sem_post", sem_post), semaphore = semaphore_.get()] {
      post(semaphore);
    };
  }

 private:
  template <class Function, class... Arguments>
  void measure(const char* name, Function* hooked, Arguments... arguments) {
    Function* const function = session_.either(name, hooked);
    session_.measure([&] { return function(semaphore_.get(), arguments...); });
  }

  Session& session_;
  std::unique_ptr<sem_t> semaphore_ = std::make_unique<sem_t>();
};

/// The same for a private semaphore and for one that processes share.
void add(std::vector<ParityCase>& cases, const char* name, const char* expected, unsigned value,
         void (*act)(Session&, SemaphoreUnderTest&)) {
  for (const int shared : {0, 1}) {
    cases.push_back(
        {std::string(name) + (shared != 0 ? "Shared" : ""), expected, [=](Session& session) {
           SemaphoreUnderTest semaphore(session, shared, value);
           act(session, semaphore);
         }});
  }
}

std::vector<ParityCase> waits() {
  std::vector<ParityCase> cases;
  add(cases, "Counts", "0, 0 value 2, 0, 0, -1 EAGAIN, 0 value 0, 0, 0 value 1, 0", 2,
      [](Session&, SemaphoreUnderTest& semaphore) {
        semaphore.note_value();
        semaphore.wait();
        semaphore.try_wait();
        semaphore.try_wait();
        semaphore.note_value();
        semaphore.post();
        semaphore.note_value();
        semaphore.destroy();
      });
  add(cases, "WaitsForAPost", "0, 0, 0 value 0", 0,
      [](Session& session, SemaphoreUnderTest& semaphore) {
        session.meanwhile(semaphore.posting());
        semaphore.wait();
        semaphore.note_value();
      });
  add(cases, "WaitsForAPostUntilATime", "0, 0, 0", 0,
      [](Session& session, SemaphoreUnderTest& semaphore) {
        session.meanwhile(semaphore.posting());
        semaphore.wait_until(from_now(CLOCK_REALTIME, kHour));
        session.finish_helpers();
        session.meanwhile(semaphore.posting());
        semaphore.wait_until(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, kHour));
      });
  add(cases, "TimesOut",
      "0, -1 ETIMEDOUT, -1 ETIMEDOUT, -1 ETIMEDOUT, -1 ETIMEDOUT, -1 ETIMEDOUT, 0 value 0", 0,
      [](Session&, SemaphoreUnderTest& semaphore) {
        semaphore.wait_until(from_now(CLOCK_REALTIME, kMillisecond));
        semaphore.wait_until(CLOCK_MONOTONIC, from_now(CLOCK_MONOTONIC, kMillisecond));
        semaphore.wait_until(CLOCK_REALTIME, from_now(CLOCK_REALTIME, -kHour));
        semaphore.wait_until(timespec{-1, 0});
        semaphore.wait_until(CLOCK_MONOTONIC, timespec{-1, 0});
        semaphore.note_value();
      });
  add(cases, "TakesWhatIsThereAfterTheTime", "0, 0", 1,
      [](Session&, SemaphoreUnderTest& semaphore) {
        semaphore.wait_until(from_now(CLOCK_REALTIME, -kHour));
      });
  add(cases, "BadTimesAndClocks", "0, -1 EINVAL, -1 EINVAL, -1 EINVAL, -1 EINVAL, 0 value 1", 1,
      [](Session&, SemaphoreUnderTest& semaphore) {
        semaphore.wait_until(timespec{0, -1});  // is looked at before all
        semaphore.wait_until(timespec{0, 1'000'000'000});
        semaphore.wait_until(CLOCK_MONOTONIC, timespec{0, -1});
        semaphore.wait_until(CLOCK_BOOTTIME, timespec{});
        semaphore.note_value();
      });
  add(cases, "HasALargestValue", "0, -1 EOVERFLOW, 0, 0", SEM_VALUE_MAX,
      [](Session&, SemaphoreUnderTest& semaphore) {
        semaphore.post();
        semaphore.wait();
        semaphore.post();
      });
  return cases;
}

/// A signal comes while the flow waits; a handler without SA_RESTART ends the wait.
void interrupt(Session& session, SemaphoreUnderTest& semaphore, int flags,
               void (*wait)(SemaphoreUnderTest&)) {
  const SignalCounter signals(session, SIGUSR1, flags);
  session.meanwhile([&session, post = semaphore.posting()] {
    session.raise_there(SIGUSR1);
    session.until_waiting();
    post();
  });
  wait(semaphore);
  session.finish_helpers();
  semaphore.note_value();
}

std::vector<ParityCase> signals() {
  std::vector<ParityCase> cases;
  add(cases, "ASignalEndsAWait", "0, -1 EINTR, 0 value 1", 0,
      [](Session& session, SemaphoreUnderTest& semaphore) {
        interrupt(session, semaphore, 0, [](SemaphoreUnderTest& waiting) { waiting.wait(); });
      });
  add(cases, "ARestartingSignalDoesNot", "0, 0, 0 value 0", 0,
      [](Session& session, SemaphoreUnderTest& semaphore) {
        interrupt(session, semaphore, SA_RESTART,
                  [](SemaphoreUnderTest& waiting) { waiting.wait(); });
      });
  add(cases, "ARestartingSignalEndsATimedWait", "0, -1 EINTR, 0 value 1", 0,
      [](Session& session, SemaphoreUnderTest& semaphore) {
        interrupt(session, semaphore, SA_RESTART, [](SemaphoreUnderTest& waiting) {
          waiting.wait_until(from_now(CLOCK_REALTIME, kHour));
        });
      });
  return cases;
}

const ParityCase kOthers[] = {
    {"TooLargeAValue", "-1 EINVAL, -1 EINVAL",
     [](Session& session) {
       const SemaphoreUnderTest semaphore(session, 0, SEM_VALUE_MAX + 1U);
       const SemaphoreUnderTest shared(session, 1, SEM_VALUE_MAX + 1U);
     }},
    {"Named", "0 value 0, 0, -1 EAGAIN, 0, 0",
     [](Session& session) {
       const std::string name = "/colibri_test_" + std::to_string(getpid());
       sem_t* const semaphore = sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 0);
       ASSERT_NE(semaphore, SEM_FAILED);
       sem_unlink(name.c_str());
       int value = -1;
       session.call(session.either("sem_getvalue", sem_getvalue), semaphore, &value);
       session.append("value " + std::to_string(value));
       const auto post = session.either("sem_post", sem_post);
       session.meanwhile([=] { post(semaphore); });
       session.call(session.either("sem_wait", sem_wait), semaphore);
       session.call(session.either("sem_trywait", sem_trywait), semaphore);
       session.call(post, semaphore);
       session.finish_helpers();
       session.call(sem_close, semaphore);
     }},
};

class SemaphoreParity : public testing::TestWithParam<ParityCase> {};

TEST_P(SemaphoreParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Waits, SemaphoreParity, testing::ValuesIn(waits()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Signals, SemaphoreParity, testing::ValuesIn(signals()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Others, SemaphoreParity, testing::ValuesIn(kOthers),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
