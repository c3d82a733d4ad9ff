// What is to be done on signals: what was installed is reported and returned as by libc, although a
// handler of ours stands in front.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <memory>

#include "test/support/libc_parity.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

constexpr std::size_t kAlternateBytes = 65536;

void handler(int) {}
void handler_with_info(int, siginfo_t*, void*) {}

const ParityCase kDispositions[] = {
    {"WhatWasInstalledIsReported", "0, default, 0, handler, flags 0x10000000, 0, same mask",
     [](Session& session) {
       struct sigaction action {};
       struct sigaction old {};
       action.sa_handler = handler;
       action.sa_flags = SA_RESTART;
       sigaddset(&action.sa_mask, SIGUSR2);
       session.call(session.libc.sigaction, int{SIGUSR1},
                    static_cast<const struct sigaction*>(&action), &old);
       session.note(old.sa_handler == SIG_DFL ? "default" : "other");
       action.sa_handler = SIG_DFL;
       session.call(session.libc.sigaction, int{SIGUSR1},
                    static_cast<const struct sigaction*>(&action), &old);
       session.note(old.sa_handler == handler ? "handler" : "other");
       char flags[32];
       std::snprintf(flags, sizeof flags, "flags %#x",
                     static_cast<unsigned>(old.sa_flags) & ~static_cast<unsigned>(0x04000000));
       session.note(flags);
       session.note(std::to_string(sigismember(&old.sa_mask, SIGUSR1)));
       session.note_if(sigismember(&old.sa_mask, SIGUSR2) == 1, "same mask");
     }},
    {"HandlersWithInformation", "0, with information",
     [](Session& session) {
       struct sigaction action {};
       struct sigaction old {};
       action.sa_sigaction = handler_with_info;
       action.sa_flags = SA_SIGINFO;
       session.libc.sigaction(SIGUSR1, &action, nullptr);
       action.sa_handler = SIG_DFL;
       action.sa_flags = 0;
       session.call(session.libc.sigaction, int{SIGUSR1},
                    static_cast<const struct sigaction*>(&action), &old);
       const bool same = old.sa_sigaction == handler_with_info && (old.sa_flags & SA_SIGINFO) != 0;
       session.note(same ? "with information" : "other");
     }},
    {"OneShotHandlers", "1 signal, default again",
     [](Session& session) {
       const SignalCounter signals(session, SIGURG, static_cast<int>(SA_RESETHAND));
       session.raise_there(SIGURG);
       session.raise_there(SIGURG);  // by default it is ignored
       session.note(std::to_string(signals.count()) + " signal");
       struct sigaction now {};
       session.libc.sigaction(SIGURG, nullptr, &now);
       session.note(now.sa_handler == SIG_DFL ? "default again" : "still there");
     }},
    {"SignalReturnsThePrevious", "default, handler, ignore",
     [](Session& session) {
       const auto note = [&](sighandler_t previous) {
         session.note(previous == SIG_DFL   ? "default"
                      : previous == SIG_IGN ? "ignore"
                      : previous == handler ? "handler"
                                            : "other");
       };
       note(session.libc.signal(SIGUSR1, handler));
       note(session.libc.signal(SIGUSR1, SIG_IGN));
       note(session.libc.signal(SIGUSR1, SIG_DFL));
     }},
    {"SigsetReturnsThePrevious",
     "default, handler, held, held, blocked, held, not blocked, ignore, -1 EINVAL",
     [](Session& session) {
       const auto note = [&](sighandler_t previous) {
         session.note(previous == SIG_DFL    ? "default"
                      : previous == SIG_IGN  ? "ignore"
                      : previous == SIG_HOLD ? "held"
                      : previous == handler  ? "handler"
                                             : "other");
       };
       const auto note_mask = [&] {
         sigset_t mask;
         pthread_sigmask(SIG_SETMASK, nullptr, &mask);
         session.note_if(sigismember(&mask, SIGUSR1) == 1, "blocked");
       };
       note(session.libc.sigset(SIGUSR1, handler));
       note(session.libc.sigset(SIGUSR1, SIG_HOLD));
       note(session.libc.sigset(SIGUSR1, SIG_HOLD));
       note(session.libc.sigset(SIGUSR1, SIG_HOLD));
       note_mask();
       note(session.libc.sigset(SIGUSR1, SIG_IGN));
       note_mask();
       note(session.libc.sigset(SIGUSR1, SIG_DFL));
       session.measure([&] { return session.libc.sigset(SIGKILL, handler) == SIG_ERR ? -1 : 0; });
     }},
    {"SystemVHandlersRunOnce", "1 signal, default again",
     [](Session& session) {
       const SignalCounter restore(session, SIGURG);
       static std::atomic<int> count;
       count = 0;
       session.libc.sysv_signal(SIGURG, [](int) { ++count; });
       session.raise_there(SIGURG);
       session.raise_there(SIGURG);
       session.note(std::to_string(count.load()) + " signal");
       struct sigaction now {};
       session.libc.sigaction(SIGURG, nullptr, &now);
       session.note(now.sa_handler == SIG_DFL ? "default again" : "still there");
     }},
    {"AlternateStack", "0, none, 0, 0, mine, 0, none, -1 ENOMEM, -1 EINVAL, -1 EFAULT",
     [](Session& session) {
       const auto memory = std::make_unique<char[]>(kAlternateBytes);
       const stack_t mine{memory.get(), 0, kAlternateBytes};
       const stack_t off{nullptr, SS_DISABLE, 0};
       stack_t old{};
       const auto note = [&] {
         session.note((old.ss_flags & SS_DISABLE) != 0                              ? "none"
                      : old.ss_sp == memory.get() && old.ss_size == kAlternateBytes ? "mine"
                                                                                    : "other");
       };
       stack_t before{};  // sanitizers have one
       session.libc.sigaltstack(&off, &before);
       session.call(session.libc.sigaltstack, nullptr, &old);
       note();
       session.call(session.libc.sigaltstack, &mine, nullptr);
       session.call(session.libc.sigaltstack, &off, &old);
       note();
       session.call(session.libc.sigaltstack, nullptr, &old);
       note();
       const stack_t small{memory.get(), 0, 100};
       session.call(session.libc.sigaltstack, &small, nullptr);
       const stack_t odd{memory.get(), 77, kAlternateBytes};
       session.call(session.libc.sigaltstack, &odd, nullptr);
       session.call(session.libc.sigaltstack, bad_pointer<const stack_t>(), nullptr);
       session.libc.sigaltstack(&before, nullptr);
     }},
    {"Errors", "-1 EINVAL, -1 EINVAL, -1 EINVAL, -1 EINVAL, -1 EINVAL",
     [](Session& session) {
       struct sigaction action {};
       action.sa_handler = handler;
       const struct sigaction* wanted = &action;
       struct sigaction* const none = nullptr;
       for (const int bad : {0, 4711, int{SIGKILL}, 32}) {
         session.call(session.libc.sigaction, bad, wanted, none);
       }
       session.measure([&] { return session.libc.signal(SIGKILL, handler) == SIG_ERR ? -1 : 0; });
     }},
};

class DispositionParity : public testing::TestWithParam<ParityCase> {};

TEST_P(DispositionParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Dispositions, DispositionParity, testing::ValuesIn(kDispositions),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
