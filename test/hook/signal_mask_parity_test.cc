// Calls that wait under a signal mask of their own: ppoll, pselect, epoll_pwait, epoll_pwait2.
#include <gtest/gtest.h>

#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/missing_calls.h"
#include "test/support/run_in_session.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

/// Waits for bytes at a descriptor, `timeout` milliseconds at most; negative: for ever.
struct MaskedCall {
  const char* name;
  int (*call)(const Libc&, int descriptor, int timeout, const sigset_t* mask);
  bool sees_signals_at_once = false;  // also with a time-out of zero
  const char* (*missing)() = nullptr;
};

timespec timespec_of(int timeout) {
  return timeout < 0 ? timespec{100'000, 0}
                     : timespec{timeout / 1'000, timeout % 1'000 * 1'000'000};
}

/// Waits with `wait(set, event)` on an epoll set that holds the descriptor.
template <class Wait>
int wait_in_set(int descriptor, Wait wait) {
  const int set = real::epoll_create1(0);
  epoll_event event{EPOLLIN, {}};
  EXPECT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event), 0);
  const int result = wait(set, &event);
  const int error = errno;
  hooked_libc().close(set);
  errno = error;
  return result;
}

constexpr MaskedCall kCalls[] = {
    {"ppoll",
     [](const Libc& libc, int descriptor, int timeout, const sigset_t* mask) {
       pollfd query{descriptor, POLLIN, 0};
       const timespec time = timespec_of(timeout);
       return libc.ppoll(&query, 1, &time, mask);
     },
     true},
    {"pselect",
     [](const Libc& libc, int descriptor, int timeout, const sigset_t* mask) {
       fd_set set;
       FD_ZERO(&set);
       FD_SET(descriptor, &set);
       const timespec time = timespec_of(timeout);
       return libc.pselect(descriptor + 1, &set, nullptr, nullptr, &time, mask);
     },
     true},
    {"epoll_pwait",
     [](const Libc& libc, int descriptor, int timeout, const sigset_t* mask) {
       return wait_in_set(descriptor, [&](int set, epoll_event* event) {
         return libc.epoll_pwait(set, event, 1, timeout, mask);
       });
     }},
    {"epoll_pwait2",
     [](const Libc& libc, int descriptor, int timeout, const sigset_t* mask) {
       const timespec time = timespec_of(timeout);
       return wait_in_set(descriptor, [&](int set, epoll_event* event) {
         return libc.epoll_pwait2(set, event, 1, &time, mask);
       });
     },
     false, &missing_epoll_pwait2},
};

/// A set of SIGUSR1, or of nothing.
sigset_t set_of(bool with_signal) {
  sigset_t set;
  sigemptyset(&set);
  if (with_signal) sigaddset(&set, SIGUSR1);
  return set;
}

/// The thread's mask has SIGUSR1 while it lives.
class Blocked {
 public:
  Blocked() {
    const sigset_t set = set_of(true);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~Blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

void note_mask(Session& session) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  session.append(sigismember(&mask, SIGUSR1) == 1 ? "blocked" : "open");
}

/// How many signals have come, and the mask.
void append_signals(Session& session, const SignalCounter& signals) {
  session.append(std::to_string(signals.count()));
  note_mask(session);
}

/// Makes the call under an empty mask and notes its result, and what signals have come by then.
void wait_masked(Session& session, const SignalCounter& signals, const MaskedCall& masked,
                 int descriptor, int timeout) {
  const sigset_t mask = set_of(false);
  session.measure([&] { return masked.call(session.libc, descriptor, timeout, &mask); });
  append_signals(session, signals);
}

struct Situation {
  const char* name;
  const char* expected;
  void (*act)(Session&, const MaskedCall&);
  bool at_once = false;  // with a time-out of zero
};

constexpr Situation kSituations[] = {
    {"LetsASignalIn", "-1 EINTR 1 blocked",
     [](Session& session, const MaskedCall& masked) {
       const SignalCounter signals(session, SIGUSR1, SA_RESTART);
       const Blocked blocked;
       const int reader = pipe_ends(session).reader;
       session.meanwhile([=, &session] { session.raise_there(SIGUSR1); });
       wait_masked(session, signals, masked, reader, -1);
       session.finish_helpers();
     }},
    {"LetsASignalInThatHasCome", "-1 EINTR 1 blocked, 0 1 blocked",
     [](Session& session, const MaskedCall& masked) {
       const SignalCounter signals(session, SIGUSR1);
       const Blocked blocked;
       const int reader = pipe_ends(session).reader;
       session.raise_there(SIGUSR1);
       wait_masked(session, signals, masked, reader, -1);
       wait_masked(session, signals, masked, reader, 3);  // it interrupts one call only
     }},
    {"LetsASignalInWithoutWaiting", "-1 EINTR 1 blocked, 0 1 blocked",
     [](Session& session, const MaskedCall& masked) {
       const SignalCounter signals(session, SIGUSR1);
       const Blocked blocked;
       const int reader = pipe_ends(session).reader;
       session.raise_there(SIGUSR1);
       wait_masked(session, signals, masked, reader, 0);
       wait_masked(session, signals, masked, reader, 0);
     },
     true},
    {"WhatIsReadyComesFirst", "1 0 blocked",
     [](Session& session, const MaskedCall& masked) {
       const SignalCounter signals(session, SIGUSR1);
       const Ends ends = pipe_ends(session);
       put(session, ends.writer, "x");
       {
         const Blocked blocked;
         session.raise_there(SIGUSR1);
         wait_masked(session, signals, masked, ends.reader, -1);
       }
     }},
    {"KeepsASignalOut", "0 1 open",
     [](Session& session, const MaskedCall& masked) {
       const SignalCounter signals(session, SIGUSR1, SA_RESTART);
       const int reader = pipe_ends(session).reader;
       const pthread_t here = pthread_self();
       const int thread = gettid();
       std::thread sender([here, thread] {
         until_asleep(thread);
         pthread_kill(here, SIGUSR1);
       });
       const sigset_t mask = set_of(true);
       session.measure([&] { return masked.call(session.libc, reader, 40, &mask); });
       sender.join();  // where others keep it waiting, it comes later than the end of the call
       append_signals(session, signals);
     }},
};

std::vector<ParityCase> all_cases() {
  std::vector<ParityCase> cases;
  for (const MaskedCall& masked : kCalls) {
    for (const Situation& situation : kSituations) {
      if (!masked.sees_signals_at_once && situation.at_once) continue;
      cases.push_back({masked.name + ("_" + std::string(situation.name)), situation.expected,
                       [&situation, &masked](Session& session) { situation.act(session, masked); },
                       masked.missing});
    }
  }
  return cases;
}

class SignalMaskParity : public testing::TestWithParam<ParityCase> {};

TEST_P(SignalMaskParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Masked, SignalMaskParity, testing::ValuesIn(all_cases()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

// Signals that a call lets in reach no other coroutine.
TEST(SignalMask, OfACallIsNotThatOfOtherCoroutines) {
  run_with_session_in_main([](Session& session) {
    const SignalCounter signals(hooked_libc(), SIGUSR1);
    const Blocked blocked;
    const Ends ends = pipe_ends(session);
    auto waiter = spawn([&] {
      pollfd query{ends.reader, POLLIN, 0};
      const sigset_t open = set_of(false);
      EXPECT_EQ(ppoll(&query, 1, nullptr, &open), -1);
      EXPECT_EQ(errno, EINTR);
      EXPECT_EQ(signals.count(), 1);
    });
    yield();
    raise(SIGUSR1);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGUSR1), 1);
    EXPECT_EQ(signals.count(), 0) << "held back as long as a coroutine runs";
    waiter.join();
    EXPECT_EQ(signals.count(), 1);
  });
}

// Of two masks at once, the thread sleeps under what both of them block.
TEST(SignalMask, OfTwoCallsLetsInWhatOneOfThemLetsIn) {
  run_with_session_in_main([](Session& session) {
    const SignalCounter signals(hooked_libc(), SIGUSR1);
    const Blocked blocked;
    const Ends ends = pipe_ends(session);
    const auto wait = [&](bool blocks) {
      pollfd query{ends.reader, POLLIN, 0};
      const sigset_t mask = set_of(blocks);
      return ppoll(&query, 1, nullptr, &mask);
    };
    auto first = spawn([&] { EXPECT_EQ(wait(false), -1); });
    auto second = spawn([&] { wait(true); });
    yield();
    raise(SIGUSR1);
    first.join();
    EXPECT_EQ(signals.count(), 1);
    put(session, ends.writer, "x");
    second.join();
  });
}

}  // namespace
}  // namespace colibri::test
