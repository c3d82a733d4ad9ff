// epoll_wait, epoll_pwait and epoll_pwait2, on a program's own epoll set, give what libc gives.
#include <gtest/gtest.h>

#include "test/support/channels.h"
#include "test/support/missing_calls.h"

namespace colibri::test {
namespace {

/// A call of epoll_wait's kind; `timeout` is in milliseconds, negative: none.
struct EpollWait {
  const char* name;
  int (*call)(const Libc&, int set, epoll_event* events, int room, int timeout);
  const char* (*missing)() = nullptr;
};

constexpr EpollWait kWaits[] = {
    {"epoll_wait", [](const Libc& libc, int set, epoll_event* events, int room,
                      int timeout) { return libc.epoll_wait(set, events, room, timeout); }},
    {"epoll_pwait",
     [](const Libc& libc, int set, epoll_event* events, int room, int timeout) {
       return libc.epoll_pwait(set, events, room, timeout, nullptr);
     }},
    {"epoll_pwait_with_mask",
     [](const Libc& libc, int set, epoll_event* events, int room, int timeout) {
       sigset_t mask;
       sigfillset(&mask);
       return libc.epoll_pwait(set, events, room, timeout, &mask);
     }},
    {"epoll_pwait2",
     [](const Libc& libc, int set, epoll_event* events, int room, int timeout) {
       const timespec time{timeout / 1'000, timeout % 1'000 * 1'000'000};
       return libc.epoll_pwait2(set, events, room, timeout < 0 ? nullptr : &time, nullptr);
     },
     &missing_epoll_pwait2},
};

int epoll_set(Session& session) {
  return session.own(epoll_create1(EPOLL_CLOEXEC));
}

/// Adds a descriptor under a letter.
void add(int set, int descriptor, std::uint32_t events, char letter) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = static_cast<std::uint32_t>(letter);
  EXPECT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event), 0);
}

/// Waits, and notes the result with the letters and events that came.
void wait_for_events(Session& session, const EpollWait& wait, int set, int timeout, int room = 8) {
  epoll_event events[8];
  const int count =
      session.measure([&] { return wait.call(session.libc, set, events, room, timeout); });
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    std::string text(1, static_cast<char>(events[i].data.u32));
    if ((events[i].events & EPOLLIN) != 0) text += "+in";
    if ((events[i].events & EPOLLOUT) != 0) text += "+out";
    if ((events[i].events & EPOLLRDHUP) != 0) text += "+rdhup";
    if ((events[i].events & EPOLLHUP) != 0) text += "+hup";
    texts.push_back(text);
  }
  std::sort(texts.begin(), texts.end());
  for (const std::string& text : texts) session.append(text);
}

struct Situation {
  const char* name;
  const char* expected;
  void (*act)(Session&, const EpollWait&, int set);
};

constexpr Situation kSituations[] = {
    {"ReadyAtOnce", "2 a+in b+out",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = unix_stream_ends(session);
       put(session, ends.writer, "x");
       add(set, ends.reader, EPOLLIN, 'a');
       add(set, ends.writer, EPOLLOUT, 'b');
       wait_for_events(session, wait, set, -1);
     }},
    {"WaitsForOne", "1 a+in",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = tcp_ends(session);
       add(set, ends.reader, EPOLLIN, 'a');
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       wait_for_events(session, wait, set, -1);
     }},
    // Level-triggered: as long as there is something.
    {"LevelTriggered", "1 a+in, 1 a+in, 0, 1 a+in",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = pipe_ends(session);
       add(set, ends.reader, EPOLLIN, 'a');
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       wait_for_events(session, wait, set, -1);
       wait_for_events(session, wait, set, -1);
       take(session, ends.reader, 1);
       wait_for_events(session, wait, set, 3);
       session.meanwhile([=, &session] { put(session, ends.writer, "y"); });
       wait_for_events(session, wait, set, -1);
     }},
    {"EdgeTriggered", "1 a+in, 0, 1 a+in",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = pipe_ends(session);
       add(set, ends.reader, EPOLLIN | EPOLLET, 'a');
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       wait_for_events(session, wait, set, -1);
       wait_for_events(session, wait, set, 3);
       session.meanwhile([=, &session] { put(session, ends.writer, "y"); });
       wait_for_events(session, wait, set, -1);
     }},
    {"OneShot", "1 a+in, 0, 1 a+in",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = pipe_ends(session);
       add(set, ends.reader, EPOLLIN | EPOLLONESHOT, 'a');
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       wait_for_events(session, wait, set, -1);
       wait_for_events(session, wait, set, 3);
       session.meanwhile([=] {
         epoll_event event{EPOLLIN, {}};
         event.data.u32 = 'a';
         EXPECT_EQ(epoll_ctl(set, EPOLL_CTL_MOD, ends.reader, &event), 0);
       });
       wait_for_events(session, wait, set, -1);
     }},
    {"AddedWhileItWaits", "1 a+out",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = pipe_ends(session);
       session.meanwhile([=] { add(set, ends.writer, EPOLLOUT, 'a'); });
       wait_for_events(session, wait, set, -1);
     }},
    {"HangUp", "1 a+in+rdhup+hup",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = unix_stream_ends(session);
       add(set, ends.reader, EPOLLIN | EPOLLRDHUP, 'a');
       session.meanwhile([=, &session] { session.close(ends.writer); });
       wait_for_events(session, wait, set, -1);
     }},
    {"NoMoreThanThereIsRoomFor", "1 a+in, 1 b+in, 2 a+in b+in",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends a = pipe_ends(session);
       const Ends b = pipe_ends(session);
       put(session, a.writer, "x");
       put(session, b.writer, "x");
       add(set, a.reader, EPOLLIN, 'a');
       add(set, b.reader, EPOLLIN, 'b');
       wait_for_events(session, wait, set, -1, 1);
       wait_for_events(session, wait, set, -1, 1);
       wait_for_events(session, wait, set, -1);
     }},
    {"TimeOuts", "0, 0",
     [](Session& session, const EpollWait& wait, int set) {
       add(set, pipe_ends(session).reader, EPOLLIN, 'a');
       wait_for_events(session, wait, set, 3);
       wait_for_events(session, wait, set, 0);
     }},
    {"EmptySet", "0",
     [](Session& session, const EpollWait& wait, int set) {
       wait_for_events(session, wait, set, 3);
     }},
    {"ASetInASet", "1 s+in, 1 a+in",
     [](Session& session, const EpollWait& wait, int set) {
       const int outer = epoll_set(session);
       const Ends ends = pipe_ends(session);
       add(set, ends.reader, EPOLLIN, 'a');
       add(outer, set, EPOLLIN, 's');
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       wait_for_events(session, wait, outer, -1);
       wait_for_events(session, wait, set, -1);
     }},
    {"SetsAsDeepAsTheKernelAllows", "1 s+in",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = pipe_ends(session);
       add(set, ends.reader, EPOLLIN, 'a');
       int outermost = set;
       for (int outer = epoll_set(session);; outer = epoll_set(session)) {
         epoll_event event{EPOLLIN, {}};
         event.data.u32 = 's';
         if (epoll_ctl(outer, EPOLL_CTL_ADD, outermost, &event) != 0) break;
         outermost = outer;
       }
       EXPECT_NE(outermost, set);
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       wait_for_events(session, wait, outermost, -1);
     }},
    {"NonBlockingSetsWaitAllTheSame", "1 a+in",
     [](Session& session, const EpollWait& wait, int set) {
       const Ends ends = pipe_ends(session);
       set_nonblocking(session, set);
       add(set, ends.reader, EPOLLIN, 'a');
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       wait_for_events(session, wait, set, -1);
     }},
    {"PollOnASet", "1 1",
     [](Session& session, const EpollWait&, int set) {
       const Ends ends = pipe_ends(session);
       add(set, ends.reader, EPOLLIN, 'a');
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       pollfd query{set, POLLIN, 0};
       session.call(session.libc.poll, &query, nfds_t{1}, -1);
       session.append(std::to_string(query.revents));
     }},
    {"Errors", "-1 EBADF, -1 EINVAL, -1 EINVAL, -1 EFAULT",
     [](Session& session, const EpollWait& wait, int set) {
       epoll_event event;
       session.measure([&] { return wait.call(session.libc, -1, &event, 1, -1); });
       const Ends ends = pipe_ends(session);
       session.measure([&] { return wait.call(session.libc, ends.reader, &event, 1, -1); });
       session.measure([&] { return wait.call(session.libc, set, &event, 0, -1); });
       add(set, ends.writer, EPOLLOUT, 'a');
       session.measure(
           [&] { return wait.call(session.libc, set, bad_pointer<epoll_event>(), 1, -1); });
     }},
};

std::vector<ParityCase> all_cases() {
  std::vector<ParityCase> cases;
  for (const EpollWait& wait : kWaits) {
    for (const Situation& situation : kSituations) {
      cases.push_back({wait.name + ("_" + std::string(situation.name)), situation.expected,
                       [&situation, &wait](Session& session) {
                         situation.act(session, wait, epoll_set(session));
                         session.finish_helpers();
                       },
                       wait.missing});
    }
  }
  cases.push_back({"BadTimes", "-1 EINVAL, -1 EINVAL, -1 EFAULT",
                   [](Session& session) {
                     const int set = epoll_set(session);
                     epoll_event event;
                     const timespec bad[] = {{-1, 0}, {0, 1'000'000'000}};
                     for (const timespec& each : bad) {
                       session.call(session.libc.epoll_pwait2, set, &event, 1, &each, nullptr);
                     }
                     session.call(session.libc.epoll_pwait2, set, &event, 1,
                                  bad_pointer<const timespec>(), nullptr);
                   },
                   &missing_epoll_pwait2});
  return cases;
}

class EpollParity : public testing::TestWithParam<ParityCase> {};

TEST_P(EpollParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Epoll, EpollParity, testing::ValuesIn(all_cases()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
