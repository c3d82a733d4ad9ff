// sigwait, sigwaitinfo, sigtimedwait, pause and sigsuspend give what libc gives.
#include <gtest/gtest.h>
#include <signal.h>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/bystander.h"
#include "test/support/run_in_session.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

constexpr int kOther = SIGUSR2;
const int kQueued = SIGRTMIN + 3;

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : signals) sigaddset(&set, each);
  return set;
}

/// While it lives, this thread's mask has SIGUSR1 and kQueued, and what is sent to the process
/// waits for those who ask for it.
class Blocked {
 public:
  Blocked() {
    const sigset_t set = set_of({SIGUSR1, kQueued});
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~Blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// One of the calls, as one that returns the signal or -1.
using Wait = int (*)(const Session&, const sigset_t*, siginfo_t*);

int wait_by_sigwait(const Session& session, const sigset_t* set, siginfo_t* info) {
  info->si_signo = 0;
  const int error = session.either("sigwait", &sigwait)(set, &info->si_signo);
  if (error == 0) return info->si_signo;
  errno = error;
  return -1;
}
int wait_by_sigwaitinfo(const Session& session, const sigset_t* set, siginfo_t* info) {
  return session.either("sigwaitinfo", &sigwaitinfo)(set, info);
}
int wait_by_sigtimedwait(const Session& session, const sigset_t* set, siginfo_t* info) {
  const timespec hour{3600, 0};
  return session.either("sigtimedwait", &sigtimedwait)(set, info, &hour);
}

/// Waits for SIGUSR1 or kQueued, and notes which of them came, by name.
void note_wait(Session& session, Wait wait) {
  const sigset_t set = set_of({SIGUSR1, kQueued});
  siginfo_t info{};
  errno = 0;
  const int signal = wait(session, &set, &info);
  session.note(signal < 0          ? strerrorname_np(errno)
               : signal == SIGUSR1 ? "USR1"
               : signal == kQueued ? "queued"
                                   : "another");
  if (signal >= 0 && info.si_signo != signal) session.append("but its information is not");
}

struct Situation {
  const char* name;
  const char* expected;
  void (*act)(Session&, Wait);
  const char* expected_of_sigwait = nullptr;  // if that differs
};

constexpr Situation kSituations[] = {
    {"TakesWhatHasCome", "USR1",
     [](Session& session, Wait wait) {
       const Blocked blocked;
       session.raise_there(SIGUSR1);
       note_wait(session, wait);
     }},
    {"WaitsForOneOfTheThread", "USR1",
     [](Session& session, Wait wait) {
       const Blocked blocked;
       session.meanwhile([&session] { session.raise_there(SIGUSR1); });
       note_wait(session, wait);
       session.finish_helpers();
     }},
    {"WaitsForOneOfTheProcess", "USR1",
     [](Session& session, Wait wait) {
       const Blocked blocked;
       session.meanwhile([] { kill(getpid(), SIGUSR1); });
       note_wait(session, wait);
       session.finish_helpers();
     }},
    {"TakesOneAtATime", "USR1, queued, queued",
     [](Session& session, Wait wait) {
       const Blocked blocked;
       sigqueue(getpid(), kQueued, {});
       sigqueue(getpid(), kQueued, {});
       kill(getpid(), SIGUSR1);
       for (int i = 0; i < 3; ++i) note_wait(session, wait);
     }},
    {"WaitsAgain", "USR1, queued",
     [](Session& session, Wait wait) {
       const Blocked blocked;
       session.meanwhile([&session] { session.raise_there(SIGUSR1); });
       note_wait(session, wait);
       session.finish_helpers();
       session.meanwhile([] { sigqueue(getpid(), kQueued, {}); });
       note_wait(session, wait);
       session.finish_helpers();
     }},
    {"IsInterruptedByAHandlerOfAnother", "EINTR, USR1",
     [](Session& session, Wait wait) {
       const Blocked blocked;
       const SignalCounter handler(session, kOther, SA_RESTART);
       session.meanwhile([&session] {
         session.raise_there(kOther);
         session.until_waiting();
         session.raise_there(SIGUSR1);
       });
       note_wait(session, wait);
       if (session.trace() != "USR1") note_wait(session, wait);
       session.finish_helpers();
     },
     "USR1"},
    {"TakesFromAHandlerWhatIsNotBlocked", "USR1, 0",
     [](Session& session, Wait wait) {
       const SignalCounter handler(session, SIGUSR1);
       sigset_t before;
       const sigset_t set = set_of({SIGUSR1});
       pthread_sigmask(SIG_UNBLOCK, &set, &before);
       session.meanwhile([&session] { session.raise_there(SIGUSR1); });
       note_wait(session, wait);
       session.note(std::to_string(handler.count()));
       session.finish_helpers();
       pthread_sigmask(SIG_SETMASK, &before, nullptr);
     }},
    {"LeavesTheMaskAsItWas", "USR1, USR1 open, queued blocked",
     [](Session& session, Wait wait) {
       sigset_t before;
       const sigset_t open = set_of({SIGUSR1});
       const sigset_t blocked = set_of({kQueued});
       // Without a handler the kernel would end the process.
       const SignalCounter handler(session, SIGUSR1);
       pthread_sigmask(SIG_SETMASK, &blocked, &before);
       pthread_sigmask(SIG_UNBLOCK, &open, nullptr);
       session.meanwhile([&session] { session.raise_there(SIGUSR1); });
       note_wait(session, wait);
       session.finish_helpers();
       sigset_t after;
       pthread_sigmask(SIG_SETMASK, &before, &after);
       session.note(sigismember(&after, SIGUSR1) != 0 ? "USR1 blocked" : "USR1 open");
       session.note(sigismember(&after, kQueued) != 0 ? "queued blocked" : "queued open");
     }},
    {"RefusesABadSet", "EFAULT",
     [](Session& session, Wait wait) {
       siginfo_t info{};
       errno = 0;
       EXPECT_EQ(wait(session, bad_pointer<sigset_t>(), &info), -1);
       session.note(strerrorname_np(errno));
     }},
};

std::vector<ParityCase> waits() {
  std::vector<ParityCase> cases;
  const std::pair<const char*, Wait> calls[] = {{"sigwait", &wait_by_sigwait},
                                                {"sigwaitinfo", &wait_by_sigwaitinfo},
                                                {"sigtimedwait", &wait_by_sigtimedwait}};
  for (const auto& [name, wait] : calls) {
    for (const Situation& situation : kSituations) {
      const bool differs = wait == &wait_by_sigwait && situation.expected_of_sigwait != nullptr;
      cases.push_back(
          {std::string(name) + "_" + situation.name,
           differs ? situation.expected_of_sigwait : situation.expected,
           [&situation, wait = wait](Session& session) { situation.act(session, wait); }});
    }
  }
  return cases;
}

void note_timed_wait(Session& session, const timespec* timeout) {
  const sigset_t set = set_of({SIGUSR1});
  siginfo_t info{};
  session.measure([&] {
    return session.either("sigtimedwait", &sigtimedwait)(&set, &info, timeout) == SIGUSR1 ? 1 : -1;
  });
}

const ParityCase kTimes[] = {
    {"EndsWithItsTime", "-1 EAGAIN, -1 EAGAIN",
     [](Session& session) {
       const Blocked blocked;
       const timespec soon{0, 3'000'000};
       const timespec at_once{};
       note_timed_wait(session, &soon);
       note_timed_wait(session, &at_once);
     }},
    {"TakesWhatHasComeWithoutWaiting", "1",
     [](Session& session) {
       const Blocked blocked;
       const timespec at_once{};
       session.raise_there(SIGUSR1);
       note_timed_wait(session, &at_once);
     }},
    {"RefusesBadTimes", "-1 EINVAL, -1 EINVAL, -1 EFAULT",
     [](Session& session) {
       const Blocked blocked;
       const timespec negative{-1, 0};
       const timespec too_large{0, 1'000'000'000};
       note_timed_wait(session, &negative);
       note_timed_wait(session, &too_large);
       note_timed_wait(session, bad_pointer<timespec>());
     }},
    {"BringsAValue", "17, queue",
     [](Session& session) {
       const Blocked blocked;
       session.meanwhile([] {
         sigval value{};
         value.sival_int = 17;
         sigqueue(getpid(), kQueued, value);
       });
       const sigset_t set = set_of({kQueued});
       siginfo_t info{};
       EXPECT_EQ(wait_by_sigwaitinfo(session, &set, &info), kQueued);
       session.note(std::to_string(info.si_value.sival_int));
       session.note(info.si_code == SI_QUEUE ? "queue" : "other");
       session.finish_helpers();
     }},
};

const ParityCase kHandlers[] = {
    {"PauseEndsWithAHandler", "-1 EINTR, -1 EINTR, 2",
     [](Session& session) {
       const SignalCounter handler(session, kOther, SA_RESTART);
       for (int i = 0; i < 2; ++i) {
         session.meanwhile([&session] { session.raise_there(kOther); });
         session.measure([&] { return session.either("pause", &pause)(); });
         session.finish_helpers();
       }
       session.note(std::to_string(handler.count()));
     }},
    {"SigsuspendLetsInWhatHasCome", "0, -1 EINTR, 1, blocked",
     [](Session& session) {
       const Blocked blocked;
       const SignalCounter handler(session, SIGUSR1);
       session.raise_there(SIGUSR1);
       session.note(std::to_string(handler.count()));
       sigset_t mask = set_of({});
       session.measure([&] { return session.either("sigsuspend", &sigsuspend)(&mask); });
       session.note(std::to_string(handler.count()));
       pthread_sigmask(SIG_BLOCK, nullptr, &mask);
       session.note(sigismember(&mask, SIGUSR1) != 0 ? "blocked" : "open");
     }},
    {"SigsuspendLetsInWhatComes", "-1 EINTR, 1",
     [](Session& session) {
       const Blocked blocked;
       const SignalCounter handler(session, SIGUSR1, SA_RESTART);
       session.meanwhile([&session] { session.raise_there(SIGUSR1); });
       const sigset_t mask = set_of({});
       session.measure([&] { return session.either("sigsuspend", &sigsuspend)(&mask); });
       session.note(std::to_string(handler.count()));
       session.finish_helpers();
     }},
    {"SigsuspendRefusesABadMask", "-1 EFAULT",
     [](Session& session) {
       session.measure(
           [&] { return session.either("sigsuspend", &sigsuspend)(bad_pointer<sigset_t>()); });
     }},
};

/// What is sent to the process must find no thread that would take it otherwise.
class SignalWaitParity : public testing::TestWithParam<ParityCase> {
  Blocked blocked_;
};

TEST_P(SignalWaitParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Waits, SignalWaitParity, testing::ValuesIn(waits()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Times, SignalWaitParity, testing::ValuesIn(kTimes),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Handlers, SignalWaitParity, testing::ValuesIn(kHandlers),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

/// Waits for `signal` in a coroutine of its own.
Task<int> waiter_for(int signal) {
  return spawn([signal] {
    const sigset_t set = set_of({signal});
    return sigwaitinfo(&set, nullptr);
  });
}

TEST(SignalWait, OfSeveralCoroutinesForOneSignalGivesEachOne) {
  const Blocked blocked;
  run_in_scheduler([] {
    auto first = waiter_for(kQueued);
    auto second = waiter_for(kQueued);
    sleep_for(std::chrono::milliseconds(2));
    sigqueue(getpid(), kQueued, {});
    sleep_for(std::chrono::milliseconds(2));
    EXPECT_NE(first.done(), second.done());
    sigqueue(getpid(), kQueued, {});
    EXPECT_EQ(first.join(), kQueued);
    EXPECT_EQ(second.join(), kQueued);
  });
}

TEST(SignalWait, OfSeveralCoroutinesForDifferentSignals) {
  const Blocked blocked;
  run_in_scheduler([] {
    auto first = waiter_for(SIGUSR1);
    auto second = waiter_for(kQueued);
    sleep_for(std::chrono::milliseconds(2));
    kill(getpid(), kQueued);
    EXPECT_EQ(second.join(), kQueued);
    EXPECT_FALSE(first.done());
    pthread_kill(pthread_self(), SIGUSR1);
    EXPECT_EQ(first.join(), SIGUSR1);
  });
}

TEST(SignalWait, LetsOthersRun) {
  const Blocked blocked;
  run_in_scheduler([] {
    const Bystander bystander;
    auto waiter = waiter_for(SIGUSR1);
    sleep_for(std::chrono::milliseconds(2));
    const int before = bystander.turns();
    kill(getpid(), SIGUSR1);
    waiter.join();
    EXPECT_GT(bystander.turns(), before);
  });
}

/// The calls that wait for signals, for ever.
constexpr int (*kEndless[])() = {
    [] {
      const sigset_t set = set_of({SIGUSR1});
      return sigwaitinfo(&set, nullptr);
    },
    [] {
      const sigset_t set = set_of({SIGUSR1});
      int signal = 0;
      errno = sigwait(&set, &signal);
      return errno == 0 ? 0 : -1;
    },
    [] { return pause(); },
    [] {
      const sigset_t mask = set_of({SIGUSR1});
      return sigsuspend(&mask);
    },
};

TEST(SignalWait, IsEndedByATimeLimitAndByCancel) {
  const Blocked blocked;
  run_in_scheduler([] {
    for (const auto call : kEndless) {
      {
        const TimeLimit limit(std::chrono::milliseconds(2));
        EXPECT_EQ(call(), -1);
        EXPECT_EQ(errno, ETIMEDOUT);
      }
      auto canceled = spawn([call] {
        EXPECT_EQ(call(), -1);
        return errno;
      });
      yield();
      canceled.cancel();
      EXPECT_EQ(canceled.join(), ECANCELED);
    }
  });
}

// It is the thread that was interrupted, and all of them wait for just that.
TEST(Pause, EndsInEveryCoroutineThatIsInIt) {
  run_in_scheduler([] {
    const SignalCounter handler(hooked_libc(), kOther, SA_RESTART);
    const auto wait = [] {
      EXPECT_EQ(pause(), -1);
      EXPECT_EQ(errno, EINTR);
    };
    auto first = spawn(wait);
    auto second = spawn(wait);
    yield();
    raise(kOther);
    first.join();
    second.join();
    EXPECT_EQ(handler.count(), 1);
  });
}

}  // namespace
}  // namespace colibri::test
