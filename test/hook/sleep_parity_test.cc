// sleep, usleep, nanosleep and clock_nanosleep give what libc gives, and never wake early.
#include <gtest/gtest.h>
#include <time.h>

#include <memory>

#include "test/support/libc_parity.h"
#include "test/support/scale.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

constexpr long kMillisecond = 1'000'000;

timespec now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time;
}

long nanoseconds_between(const timespec& from, const timespec& to) {
  return (to.tv_sec - from.tv_sec) * 1'000'000'000L + to.tv_nsec - from.tv_nsec;
}

timespec later(timespec time, long nanoseconds) {
  time.tv_nsec += nanoseconds;
  time.tv_sec += time.tv_nsec / 1'000'000'000;
  time.tv_nsec %= 1'000'000'000;
  return time;
}

/// Notes the result of `sleep`, and whether it took at least so long; a helper runs meanwhile.
template <class Sleep>
void expect_slept(Session& session, clockid_t clock, long nanoseconds, Sleep sleep) {
  const auto helped = std::make_shared<std::atomic<bool>>(false);
  session.meanwhile([=] { *helped = true; });
  const timespec before = now(clock);
  session.measure(sleep);
  session.note_if(nanoseconds_between(before, now(clock)) >= nanoseconds, "slept");
  // A helper thread may be late, but a coroutine runs while this one sleeps, or the thread slept.
  if (!session.in_coroutine()) session.finish_helpers();
  session.note_if(*helped, "helped");
}

/// clock_nanosleep returns the error; notes its name.
void clock_sleep(Session& session, clockid_t clock, int flags, const timespec* request,
                 timespec* remaining = nullptr) {
  errno = 0;
  const int error = session.libc.clock_nanosleep(clock, flags, request, remaining);
  session.note(error == 0 ? "0" : strerrorname_np(error));
  if (errno != 0) session.append("and errno");
}

std::vector<ParityCase> sleeping_cases() {
  std::vector<ParityCase> cases{
      // Together, since they take long. A rival's usleep refuses more than a second.
      {"sleep_and_long_usleep", "0, slept, 0",
       [](Session& session) {
         const auto result = std::make_shared<std::atomic<int>>(-2);
         session.meanwhile([=, &session] { *result = session.libc.usleep(1'000'001); });
         const timespec before = now(CLOCK_MONOTONIC);
         session.call(session.libc.sleep, 1u);
         session.finish_helpers();
         const long took = nanoseconds_between(before, now(CLOCK_MONOTONIC));
         session.note_if(took >= 1000 * kMillisecond, "slept");
         session.note(std::to_string(*result));
       }},
      {"usleep", "0, slept, helped",
       [](Session& session) {
         expect_slept(session, CLOCK_MONOTONIC, 5 * kMillisecond,
                      [&] { return session.libc.usleep(5'000); });
       }},
      {"nanosleep", "0, slept, helped",
       [](Session& session) {
         const timespec time{0, 5 * kMillisecond};
         expect_slept(session, CLOCK_MONOTONIC, time.tv_nsec,
                      [&] { return session.libc.nanosleep(&time, nullptr); });
       }},
  };
  for (const auto& [name, clock] :
       {std::pair("monotonic", CLOCK_MONOTONIC), std::pair("realtime", CLOCK_REALTIME),
        std::pair("boottime", CLOCK_BOOTTIME), std::pair("tai", CLOCK_TAI)}) {
    for (const int flags : {0, TIMER_ABSTIME}) {
      const auto act = [clock = clock, flags](Session& session) {
        // Nobody sleeps until a time that has passed, and Valgrind is slow with what it sees first.
        const long span = (in_valgrind() ? 200 : 5) * kMillisecond;
        expect_slept(session, clock, span, [&] {
          const timespec time = flags == 0 ? timespec{0, span} : later(now(clock), span);
          return session.libc.clock_nanosleep(clock, flags, &time, nullptr);
        });
      };
      cases.push_back(
          {std::string(name) + (flags == 0 ? "_relative" : "_absolute"), "0, slept, helped", act});
    }
  }
  return cases;
}

const ParityCase kEdges[] = {
    {"NothingAtAll", "0, 0, 0, 0",
     [](Session& session) {
       const timespec none{};
       session.call(session.libc.sleep, 0u);
       session.call(session.libc.usleep, 0u);
       session.call(session.libc.nanosleep, &none, static_cast<timespec*>(nullptr));
       clock_sleep(session, CLOCK_BOOTTIME, 0, &none);
     }},
    {"BadTimes", "-1 EINVAL, -1 EINVAL, -1 EINVAL, -1 EFAULT",
     [](Session& session) {
       for (const timespec& time : {timespec{-1, 0}, timespec{0, -1}, timespec{0, 1'000'000'000}}) {
         session.call(session.libc.nanosleep, &time, static_cast<timespec*>(nullptr));
       }
       session.call(session.libc.nanosleep, static_cast<const timespec*>(nullptr),
                    static_cast<timespec*>(nullptr));
     }},
    {"BadTimesOfClocks", "EINVAL, EINVAL, EINVAL, EINVAL, EFAULT",
     [](Session& session) {
       const timespec bad{0, 1'000'000'000};
       const timespec negative{-1, 0};
       clock_sleep(session, CLOCK_MONOTONIC, 0, &bad);
       clock_sleep(session, CLOCK_REALTIME, TIMER_ABSTIME, &bad);
       clock_sleep(session, CLOCK_BOOTTIME, 0, &negative);
       clock_sleep(session, CLOCK_MONOTONIC, TIMER_ABSTIME, &negative);
       clock_sleep(session, CLOCK_MONOTONIC, 0, nullptr);
     }},
    {"BadClocks", "EINVAL, EINVAL",
     [](Session& session) {
       const timespec time{0, 1};
       clock_sleep(session, 999, 0, &time);
       clock_sleep(session, CLOCK_THREAD_CPUTIME_ID, 0, &time);
     }},
    {"ClocksThatNobodyCanSleepOn", "EOPNOTSUPP, EOPNOTSUPP, EOPNOTSUPP",
     [](Session& session) {
       const timespec time{0, 1};
       for (const clockid_t clock :
            {CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE}) {
         clock_sleep(session, clock, 0, &time);
       }
     }},
    {"AbsoluteTimesInThePast", "0, 0, 0, 0, 0",
     [](Session& session) {
       const timespec begin{};
       const timespec second{1, 0};
       clock_sleep(session, CLOCK_MONOTONIC, TIMER_ABSTIME, &begin);
       clock_sleep(session, CLOCK_REALTIME, TIMER_ABSTIME, &begin);
       clock_sleep(session, CLOCK_BOOTTIME, TIMER_ABSTIME, &begin);
       clock_sleep(session, CLOCK_REALTIME, TIMER_ABSTIME, &second);
       clock_sleep(session, CLOCK_MONOTONIC, TIMER_ABSTIME, &second);
     }},
    {"RemainingIsLeftAloneWithoutASignal", "0, 4711",
     [](Session& session) {
       const timespec time{0, kMillisecond};
       timespec remaining{4711, 0};
       session.call(session.libc.nanosleep, &time, &remaining);
       session.note(std::to_string(remaining.tv_sec));
     }},
};

class SleepParity : public testing::TestWithParam<ParityCase> {};

TEST_P(SleepParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Sleeping, SleepParity, testing::ValuesIn(sleeping_cases()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Edges, SleepParity, testing::ValuesIn(kEdges),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
