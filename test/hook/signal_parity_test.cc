// What signals do to blocking calls: EINTR where the handler was installed without SA_RESTART. In
// coroutines this holds for main's, which is what these tests run on; see also interrupt_test.cc.
#include <gtest/gtest.h>

#include "colibri/core/sanitizer.h"
#include "test/support/channels.h"
#include "test/support/signal_counter.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// Something that waits for ever, and notes its result.
struct Waiter {
  const char* name;
  const char* interrupted;
  void (*wait)(Session&);
  bool never_restarts = false;  // a handler with SA_RESTART interrupts it, too (man 7 signal)
};

constexpr timespec kLong{100, 0};

constexpr Waiter kWaiters[] = {
    {"accept", "-1 EINTR",
     [](Session& session) {
       session.call(session.libc.accept, listener(session), static_cast<sockaddr*>(nullptr),
                    static_cast<socklen_t*>(nullptr));
     }},
    {"accept4", "-1 EINTR",
     [](Session& session) {
       session.call(session.libc.accept4, listener(session), static_cast<sockaddr*>(nullptr),
                    static_cast<socklen_t*>(nullptr), 0);
     }},
    {"poll", "-1 EINTR",
     [](Session& session) {
       pollfd query{pipe_ends(session).reader, POLLIN, 0};
       session.call(session.libc.poll, &query, nfds_t{1}, -1);
     },
     true},
    {"poll_of_nothing", "-1 EINTR",
     [](Session& session) {
       session.call(session.libc.poll, static_cast<pollfd*>(nullptr), nfds_t{0}, 100'000);
     },
     true},
    {"ppoll", "-1 EINTR",
     [](Session& session) {
       pollfd query{pipe_ends(session).reader, POLLIN, 0};
       session.call(session.libc.ppoll, &query, nfds_t{1}, nullptr, nullptr);
     },
     true},
    {"select", "-1 EINTR",
     [](Session& session) {
       const int reader = pipe_ends(session).reader;
       fd_set set;
       FD_ZERO(&set);
       FD_SET(reader, &set);
       session.call(session.libc.select, reader + 1, &set, nullptr, nullptr, nullptr);
     },
     true},
    {"pselect", "-1 EINTR",
     [](Session& session) {
       session.call(session.libc.pselect, 0, nullptr, nullptr, nullptr, &kLong, nullptr);
     },
     true},
    {"epoll_wait", "-1 EINTR",
     [](Session& session) {
       epoll_event event;
       session.call(session.libc.epoll_wait, session.own(epoll_create1(0)), &event, 1, -1);
     },
     true},
    {"epoll_pwait2", "-1 EINTR",
     [](Session& session) {
       epoll_event event;
       session.call(session.libc.epoll_pwait2, session.own(epoll_create1(0)), &event, 1, &kLong,
                    nullptr);
     },
     true},
    {"connect", "-1 EINTR",
     [](Session& session) {
       const int listening = listener(session, 0);
       connected_to(session, listening);
       const sockaddr_in address = address_of(listening);
       session.call(session.libc.connect, session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0)),
                    generic(address), socklen_t{sizeof address});
     }},
    {"usleep", "-1 EINTR",
     [](Session& session) { session.call(session.libc.usleep, 100'000'000u); }, true},
    {"sleep", "some seconds left",
     [](Session& session) {
       const unsigned left = session.libc.sleep(100);
       session.note(left == 99 || left == 100 ? "some seconds left" : std::to_string(left));
     },
     true},
    {"nanosleep", "-1 EINTR, some seconds left",
     [](Session& session) {
       timespec left{};
       session.call(session.libc.nanosleep, &kLong, &left);
       session.note(left.tv_sec == 99 ? "some seconds left" : "nothing left");
     },
     true},
    {"clock_nanosleep", "interrupted, some seconds left",
     [](Session& session) {
       timespec left{};
       const int error = session.libc.clock_nanosleep(CLOCK_MONOTONIC, 0, &kLong, &left);
       session.note(error == EINTR ? "interrupted" : std::to_string(error));
       session.note(left.tv_sec == 99 ? "some seconds left" : "nothing left");
     },
     true},
    {"clock_nanosleep_boottime", "interrupted, some seconds left",
     [](Session& session) {
       timespec left{};
       const int error = session.libc.clock_nanosleep(CLOCK_BOOTTIME, 0, &kLong, &left);
       session.note(error == EINTR ? "interrupted" : std::to_string(error));
       session.note(left.tv_sec == 99 ? "some seconds left" : "nothing left");
     },
     true},
    {"clock_nanosleep_absolute", "interrupted, nothing left",
     [](Session& session) {
       timespec until{};
       clock_gettime(CLOCK_REALTIME, &until);
       until.tv_sec += 100;
       timespec left{};
       const int error = session.libc.clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, &left);
       session.note(error == EINTR ? "interrupted" : std::to_string(error));
       session.note(left.tv_sec == 0 ? "nothing left" : "some seconds left");
     },
     true},
    {"large_write", "a part",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       const std::string text(300'000, 'x');
       const ssize_t sent = session.libc.write(ends.writer, text.data(), text.size());
       session.note(sent == 65536 ? "a part" : std::to_string(sent));
     }},
    {"wait_all", "5",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       put(session, ends.writer, "hello");
       char bytes[10];
       session.call(session.libc.recv, ends.reader, static_cast<void*>(bytes), sizeof bytes,
                    int{MSG_WAITALL});
     }},
};

/// Calls with a time-out of the program's.
constexpr Waiter kTimedWaiters[] = {
    {"read", "-1 EINTR",
     [](Session& session) {
       const int reader = unix_stream_ends(session).reader;
       set_timeout(session, reader, SO_RCVTIMEO, 100'000'000);
       receive(session, kReaders[0], reader, 10);
     }},
    {"accept", "-1 EINTR",
     [](Session& session) {
       const int listening = listener(session);
       set_timeout(session, listening, SO_RCVTIMEO, 100'000'000);
       session.call(session.libc.accept, listening, static_cast<sockaddr*>(nullptr),
                    static_cast<socklen_t*>(nullptr));
     }},
    {"send", "-1 EINTR",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_timeout(session, ends.writer, SO_SNDTIMEO, 100'000'000);
       const std::string page(4096, 'x');
       while (real::send(ends.writer, page.data(), page.size(), MSG_DONTWAIT) > 0) continue;
       session.call(session.libc.send, ends.writer, static_cast<const void*>("x"), size_t{1}, 0);
     }},
    {"connect", "-1 EINTR",
     [](Session& session) {
       const int listening = listener(session, 0);
       connected_to(session, listening);
       const sockaddr_in address = address_of(listening);
       const int socket = session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0));
       set_timeout(session, socket, SO_SNDTIMEO, 100'000'000);
       session.call(session.libc.connect, socket, generic(address), socklen_t{sizeof address});
     }},
};

std::vector<ParityCase> interrupted_cases() {
  std::vector<ParityCase> cases;
  const auto add = [&](const std::string& name, const std::string& expected, auto wait,
                       int flags = 0) {
    cases.push_back({name, expected + ", 1 signal", [wait, flags](Session& session) {
                       const SignalCounter signals(session, SIGUSR1, flags);
                       session.meanwhile([&] { session.raise_there(SIGUSR1); });
                       wait(session);
                       session.finish_helpers();
                       session.note(std::to_string(signals.count()) + " signal");
                     }});
  };
  for (const Waiter& waiter : kWaiters) {
    add(waiter.name, waiter.interrupted, waiter.wait);
    if (!waiter.never_restarts) continue;
    add(std::string(waiter.name) + "_never_restarts", waiter.interrupted, waiter.wait, SA_RESTART);
  }
  for (const Waiter& waiter : kTimedWaiters) {
    add(std::string(waiter.name) + "_never_restarts", waiter.interrupted, waiter.wait, SA_RESTART);
  }
  for (const Channel& channel : kChannels) {
    for (const Reader& reader : kReaders) {
      if (reader.has_flags && channel.kind == kPipeChannel) continue;
      add(std::string(channel.name) + "_" + reader.name, "-1 EINTR",
          [&](Session& session) { receive(session, reader, channel.open(session).reader, 10); });
    }
  }
  return cases;
}

const ParityCase kRestarting[] = {
    {"ReadGoesOnAfterARestartingHandler", "5 hello, 1 signal",
     [](Session& session) {
       const SignalCounter signals(session, SIGUSR1, SA_RESTART);
       const Ends ends = tcp_ends(session);
       session.meanwhile([&] {
         session.raise_there(SIGUSR1);
         session.until_waiting();
         put(session, ends.writer, "hello");
       });
       receive(session, kReaders[0], ends.reader, 10);
       session.finish_helpers();
       session.note(std::to_string(signals.count()) + " signal");
     }},
    {"ARestartingHandlerInterruptsNoLaterCall", "1 signal, 0",
     [](Session& session) {
       const SignalCounter signals(session, SIGUSR1, SA_RESTART);
       session.raise_there(SIGUSR1);
       session.note(std::to_string(signals.count()) + " signal");
       session.call(session.libc.poll, static_cast<pollfd*>(nullptr), nfds_t{0}, 5);
     }},
    {"SignalMeansRestart", "5 hello",
     [](Session& session) {
       // ThreadSanitizer's own signal() has no SA_RESTART.
       if (kThreadSanitizer) return session.note("5 hello");
       const SignalCounter restore(session, SIGUSR1);
       session.libc.signal(SIGUSR1, [](int) {});
       const Ends ends = pipe_ends(session);
       session.meanwhile([&] {
         session.raise_there(SIGUSR1);
         session.until_waiting();
         put(session, ends.writer, "hello");
       });
       receive(session, kReaders[0], ends.reader, 10);
     }},
    {"SiginterruptTurnsItAround", "0, -1 EINTR, 0, 5 hello, 2 signals",
     [](Session& session) {
       const SignalCounter signals(session, SIGUSR1, SA_RESTART);
       const Ends ends = pipe_ends(session);
       session.call(session.libc.siginterrupt, int{SIGUSR1}, 1);
       session.meanwhile([&] { session.raise_there(SIGUSR1); });
       receive(session, kReaders[0], ends.reader, 10);
       session.finish_helpers();
       session.call(session.libc.siginterrupt, int{SIGUSR1}, 0);
       session.meanwhile([&] {
         session.raise_there(SIGUSR1);
         session.until_waiting();
         put(session, ends.writer, "hello");
       });
       receive(session, kReaders[0], ends.reader, 10);
       session.finish_helpers();
       session.note(std::to_string(signals.count()) + " signals");
     }},
    {"SigsetMeansInterrupt", "-1 EINTR",
     [](Session& session) {
       const SignalCounter restore(session, SIGUSR1);
       session.libc.sigset(SIGUSR1, [](int) {});
       const Ends ends = pipe_ends(session);
       session.meanwhile([&] { session.raise_there(SIGUSR1); });
       receive(session, kReaders[0], ends.reader, 10);
     }},
    {"IgnoredSignalsDoNotInterrupt", "5 hello",
     [](Session& session) {
       const SignalCounter restore(session, SIGUSR1);
       session.libc.signal(SIGUSR1, SIG_IGN);
       const Ends ends = pipe_ends(session);
       session.meanwhile([&] {
         session.raise_there(SIGUSR1);
         session.until_waiting();
         put(session, ends.writer, "hello");
       });
       receive(session, kReaders[0], ends.reader, 10);
     }},
};

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
         session.note(old.ss_sp == memory.get() && old.ss_size == kAlternateBytes ? "mine"
                      : (old.ss_flags & SS_DISABLE) != 0                          ? "none"
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

class SignalParity : public testing::TestWithParam<ParityCase> {};

TEST_P(SignalParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(Interrupted, SignalParity, testing::ValuesIn(interrupted_cases()),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Restarting, SignalParity, testing::ValuesIn(kRestarting),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Dispositions, SignalParity, testing::ValuesIn(kDispositions),
                         name_of_case<Info>);

}  // namespace
}  // namespace colibri::test
