// poll and its fortified form give what libc gives.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "test/support/channels.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using Query = std::vector<pollfd>;

/// "in", "out hup", …
std::string names_of(short events) {
  constexpr std::pair<short, const char*> kNames[] = {
      {POLLIN, "in"},   {POLLPRI, "pri"}, {POLLOUT, "out"},   {POLLRDHUP, "rdhup"},
      {POLLERR, "err"}, {POLLHUP, "hup"}, {POLLNVAL, "nval"},
  };
  std::string names;
  for (const auto& [bit, name] : kNames) {
    if ((events & bit) != 0) names += (names.empty() ? "" : "+") + std::string(name);
  }
  return names.empty() ? "-" : names;
}

/// A call of poll's kind; `timeout` is in milliseconds, negative: none.
struct Poller {
  const char* name;
  int (*call)(const Libc&, pollfd* descriptors, nfds_t count, int timeout);
};

/// A time-out as ppoll takes it, in `place`.
const timespec* timespec_of(int timeout, timespec& place) {
  place = {timeout / 1'000, timeout % 1'000 * 1'000'000};
  return timeout < 0 ? nullptr : &place;
}

constexpr Poller kPollers[] = {
    {"poll", [](const Libc& libc, pollfd* descriptors, nfds_t count,
                int timeout) { return libc.poll(descriptors, count, timeout); }},
    {"poll_chk",
     [](const Libc& libc, pollfd* descriptors, nfds_t count, int timeout) {
       return libc.fortified.poll(descriptors, count, timeout, count * sizeof(pollfd));
     }},
    {"ppoll",
     [](const Libc& libc, pollfd* descriptors, nfds_t count, int timeout) {
       timespec time;
       return libc.ppoll(descriptors, count, timespec_of(timeout, time), nullptr);
     }},
    {"ppoll_with_mask",
     [](const Libc& libc, pollfd* descriptors, nfds_t count, int timeout) {
       timespec time;
       sigset_t mask;
       sigfillset(&mask);
       return libc.ppoll(descriptors, count, timespec_of(timeout, time), &mask);
     }},
    {"ppoll_chk",
     [](const Libc& libc, pollfd* descriptors, nfds_t count, int timeout) {
       timespec time;
       return libc.fortified.ppoll(descriptors, count, timespec_of(timeout, time), nullptr,
                                   count * sizeof(pollfd));
     }},
};

/// Polls and notes the result, with what came for each entry.
void poll_all(Session& session, const Poller& poller, Query query, int timeout) {
  for (pollfd& each : query) each.revents = 0x5555;  // poll writes every entry
  session.measure([&] { return poller.call(session.libc, query.data(), query.size(), timeout); });
  for (const pollfd& each : query) session.append(names_of(each.revents));
}

struct Situation {
  const char* name;
  const char* expected;
  void (*act)(Session&, const Poller&);
};

constexpr short kIn = POLLIN;
constexpr short kOut = POLLOUT;

constexpr Situation kSituations[] = {
    {"ReadyAtOnce", "2 in out",
     [](Session& session, const Poller& poller) {
       const Ends ends = unix_stream_ends(session);
       put(session, ends.writer, "x");
       poll_all(session, poller, {{ends.reader, kIn, 0}, {ends.writer, kOut, 0}}, -1);
     }},
    {"WaitsForOne", "1 in",
     [](Session& session, const Poller& poller) {
       const Ends ends = pipe_ends(session);
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       poll_all(session, poller, {{ends.reader, kIn, 0}}, -1);
     }},
    {"WaitsForTheSecondOfMany", "1 - in -",
     [](Session& session, const Poller& poller) {
       const Ends a = pipe_ends(session);
       const Ends b = tcp_ends(session);
       const Ends c = unix_stream_ends(session);
       session.meanwhile([=, &session] { put(session, b.writer, "x"); });
       poll_all(session, poller, {{a.reader, kIn, 0}, {b.reader, kIn, 0}, {c.reader, kIn, 0}}, -1);
     }},
    {"InAndOutOfOne", "1 out, 1 in+out",
     [](Session& session, const Poller& poller) {
       const Ends ends = tcp_ends(session);
       poll_all(session, poller, {{ends.reader, kIn | kOut, 0}}, -1);
       put(session, ends.writer, "x");
       poll_all(session, poller, {{ends.reader, kIn | kOut, 0}}, -1);
     }},
    {"WaitsForRoom", "1 out",
     [](Session& session, const Poller& poller) {
       const Ends ends = pipe_ends(session);
       set_nonblocking(session, ends.writer);
       const std::string page(4096, 'x');
       while (session.libc.write(ends.writer, page.data(), page.size()) > 0) continue;
       session.meanwhile([=, &session] { take(session, ends.reader, 65536); });
       poll_all(session, poller, {{ends.writer, kOut, 0}}, -1);
     }},
    {"TimeOut", "0 -",
     [](Session& session, const Poller& poller) {
       poll_all(session, poller, {{pipe_ends(session).reader, kIn, 0}}, 5);
     }},
    {"TimeOutOfZero", "0 - -",
     [](Session& session, const Poller& poller) {
       const Ends ends = unix_stream_ends(session);
       poll_all(session, poller, {{ends.reader, kIn, 0}, {ends.writer, kIn, 0}}, 0);
     }},
    {"AnyNegativeTimeOutIsNone", "1 in",
     [](Session& session, const Poller& poller) {
       const Ends ends = pipe_ends(session);
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       poll_all(session, poller, {{ends.reader, kIn, 0}}, -77);
     }},
    {"NoDescriptors", "0, 0",
     [](Session& session, const Poller& poller) {
       poll_all(session, poller, {}, 3);
       poll_all(session, poller, {}, 0);
     }},
    {"NegativeOnesAreSkipped", "0 -, 0 - -, 1 - in",
     [](Session& session, const Poller& poller) {
       const Ends ends = pipe_ends(session);
       poll_all(session, poller, {{-1, kIn, 0}}, 3);
       poll_all(session, poller, {{-1, kIn, 0}, {-5, kOut, 0}}, 3);
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       poll_all(session, poller, {{-1, kIn, 0}, {ends.reader, kIn, 0}}, -1);
     }},
    {"ClosedOnesAreInvalid", "1 nval, 2 nval - nval",
     [](Session& session, const Poller& poller) {
       const Ends open = pipe_ends(session);
       const Ends closed = pipe_ends(session);
       session.close(closed.reader);
       poll_all(session, poller, {{closed.reader, kIn, 0}}, -1);
       poll_all(session, poller, {{closed.reader, kIn, 0}, {open.reader, kIn, 0}, {19'500, kIn, 0}},
                -1);
     }},
    // HOOKS, fact 11: epoll would say EEXIST.
    {"TheSameTwice", "2 in in, 2 in out",
     [](Session& session, const Poller& poller) {
       const Ends ends = unix_stream_ends(session);
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       poll_all(session, poller, {{ends.reader, kIn, 0}, {ends.reader, kIn, 0}}, -1);
       poll_all(session, poller, {{ends.reader, kIn, 0}, {ends.reader, kOut, 0}}, -1);
     }},
    {"TwoNumbersOfOneDescription", "2 in in",
     [](Session& session, const Poller& poller) {
       const Ends ends = unix_stream_ends(session);
       const int alias = session.own(session.libc.dup(ends.reader));
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       poll_all(session, poller, {{ends.reader, kIn, 0}, {alias, kIn, 0}}, -1);
     }},
    {"FilesAreAlwaysReady", "1 in+out, 2 in+out out, 1 in+out",
     [](Session& session, const Poller& poller) {
       const int file = session.own(::open("/proc/self/exe", O_RDONLY));
       const Ends ends = unix_stream_ends(session);
       poll_all(session, poller, {{file, kIn | kOut, 0}}, -1);
       poll_all(session, poller, {{file, kIn | kOut, 0}, {ends.reader, kOut, 0}}, -1);
       const int nothing = session.own(::open("/dev/null", O_RDWR));
       poll_all(session, poller, {{nothing, kIn | kOut, 0}}, -1);
     }},
    {"FilesHaveNoUrgentData", "0 -, 0 - -",
     [](Session& session, const Poller& poller) {
       const int file = session.own(::open("/proc/self/exe", O_RDONLY));
       poll_all(session, poller, {{file, POLLPRI, 0}}, 3);
       poll_all(session, poller, {{file, POLLPRI, 0}, {pipe_ends(session).reader, kIn, 0}}, 3);
     }},
    {"HangUp", "1 hup, 1 in+rdhup+hup, 1 err",
     [](Session& session, const Poller& poller) {
       const Ends ends = pipe_ends(session);
       session.meanwhile([=, &session] { session.close(ends.writer); });
       poll_all(session, poller, {{ends.reader, kIn, 0}}, -1);
       const Ends sockets = unix_stream_ends(session);
       session.meanwhile([=, &session] { session.close(sockets.writer); });
       poll_all(session, poller, {{sockets.reader, kIn | POLLRDHUP, 0}}, -1);
       const Ends other = pipe_ends(session);
       session.close(other.reader);
       poll_all(session, poller, {{other.writer, 0, 0}}, -1);
     }},
    {"AskingForNothingStillTellsOfHangUps", "1 hup",
     [](Session& session, const Poller& poller) {
       const Ends ends = pipe_ends(session);
       session.meanwhile([=, &session] { session.close(ends.writer); });
       poll_all(session, poller, {{ends.reader, 0, 0}}, -1);
     }},
    {"HalfClose", "1 in+rdhup",
     [](Session& session, const Poller& poller) {
       const Ends ends = tcp_ends(session);
       session.meanwhile([=, &session] { session.libc.shutdown(ends.writer, SHUT_WR); });
       poll_all(session, poller, {{ends.reader, kIn | POLLRDHUP, 0}}, -1);
     }},
    {"Reset", "1 in+err+hup",
     [](Session& session, const Poller& poller) {
       const Ends ends = tcp_ends(session);
       session.meanwhile([=, &session] { reset_connection(session, ends.writer); });
       poll_all(session, poller, {{ends.reader, kIn, 0}}, -1);
     }},
    {"UrgentData", "1 pri",
     [](Session& session, const Poller& poller) {
       const Ends ends = tcp_ends(session);
       session.meanwhile([=, &session] { session.libc.send(ends.writer, "!", 1, MSG_OOB); });
       poll_all(session, poller, {{ends.reader, POLLPRI, 0}}, -1);
     }},
    {"ListenerWithAConnection", "1 in",
     [](Session& session, const Poller& poller) {
       const int listening = listener(session);
       session.meanwhile([=, &session] { connected_to(session, listening); });
       poll_all(session, poller, {{listening, kIn, 0}}, -1);
     }},
    // An event that the caller did not ask for must not end the wait, nor turn it into a loop.
    {"IrrelevantEventsDoNotEndIt", "0 -",
     [](Session& session, const Poller& poller) {
       const Ends ends = unix_stream_ends(session);
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       poll_all(session, poller, {{ends.reader, POLLPRI, 0}}, 10);
       session.finish_helpers();  // before the ends are gone
     }},
    {"ReadThenPollAgain", "1 in, 0 -, 1 in",
     [](Session& session, const Poller& poller) {
       const Ends ends = tcp_ends(session);
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       poll_all(session, poller, {{ends.reader, kIn, 0}}, -1);
       take(session, ends.reader, 1);
       poll_all(session, poller, {{ends.reader, kIn, 0}}, 2);
       session.meanwhile([=, &session] { put(session, ends.writer, "y"); });
       poll_all(session, poller, {{ends.reader, kIn, 0}}, -1);
     }},
};

std::vector<ParityCase> all_cases() {
  std::vector<ParityCase> cases;
  for (const Poller& poller : kPollers) {
    for (const Situation& situation : kSituations) {
      cases.push_back({poller.name + ("_" + std::string(situation.name)), situation.expected,
                       [&situation, &poller](Session& session) {
                         situation.act(session, poller);
                         session.finish_helpers();
                       }});
    }
  }
  cases.push_back({"BadPointer", "-1 EFAULT", [](Session& session) {
                     session.call(session.libc.poll, static_cast<pollfd*>(nullptr), nfds_t{1}, 0);
                   }});
  cases.push_back({"BadTimes", "-1 EINVAL, -1 EINVAL, -1 EINVAL", [](Session& session) {
                     for (const timespec& bad : {timespec{-1, 0}, {0, -1}, {0, 1'000'000'000}}) {
                       session.call(session.libc.ppoll, nullptr, nfds_t{0}, &bad, nullptr);
                     }
                   }});
  cases.push_back({"TooMany", "-1 EINVAL", [](Session& session) {
                     rlimit limit{};
                     getrlimit(RLIMIT_NOFILE, &limit);
                     // Valgrind shows a limit of its own, which the kernel does not know.
                     if (limit.rlim_cur > 1'000'000 || test::in_valgrind()) {
                       return session.note("-1 EINVAL");
                     }
                     Query query(limit.rlim_cur + 1, pollfd{-1, kIn, 0});
                     session.call(session.libc.poll, query.data(), query.size(), 0);
                   }});
  return cases;
}

class PollParity : public testing::TestWithParam<ParityCase> {};

TEST_P(PollParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Poll, PollParity, testing::ValuesIn(all_cases()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
