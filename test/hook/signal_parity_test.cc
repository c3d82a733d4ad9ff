// What signals do to blocking calls: EINTR where the handler was installed without SA_RESTART. In
// coroutines this holds for main's, which is what these tests run on; see also interrupt_test.cc.
#include <gtest/gtest.h>

#include "colibri/core/sanitizer.h"
#include "test/support/channels.h"
#include "test/support/missing_calls.h"
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
  const char* (*missing)() = nullptr;
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
     true, &missing_epoll_pwait2},
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
                       session.meanwhile([=, &session] { session.raise_there(SIGUSR1); });
                       wait(session);
                       session.finish_helpers();
                       session.note(std::to_string(signals.count()) + " signal");
                     }});
  };
  for (const Waiter& waiter : kWaiters) {
    add(waiter.name, waiter.interrupted, waiter.wait);
    cases.back().missing = waiter.missing;
    if (!waiter.never_restarts) continue;
    add(std::string(waiter.name) + "_never_restarts", waiter.interrupted, waiter.wait, SA_RESTART);
    cases.back().missing = waiter.missing;
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
       session.meanwhile([=, &session] {
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
       session.meanwhile([=, &session] {
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
       session.meanwhile([=, &session] { session.raise_there(SIGUSR1); });
       receive(session, kReaders[0], ends.reader, 10);
       session.finish_helpers();
       session.call(session.libc.siginterrupt, int{SIGUSR1}, 0);
       session.meanwhile([=, &session] {
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
       session.meanwhile([=, &session] { session.raise_there(SIGUSR1); });
       receive(session, kReaders[0], ends.reader, 10);
     }},
    {"IgnoredSignalsDoNotInterrupt", "5 hello",
     [](Session& session) {
       const SignalCounter restore(session, SIGUSR1);
       session.libc.signal(SIGUSR1, SIG_IGN);
       const Ends ends = pipe_ends(session);
       session.meanwhile([=, &session] {
         session.raise_there(SIGUSR1);
         session.until_waiting();
         put(session, ends.writer, "hello");
       });
       receive(session, kReaders[0], ends.reader, 10);
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

}  // namespace
}  // namespace colibri::test
