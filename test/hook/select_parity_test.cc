// select and pselect give what libc gives.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <limits>

#include "test/support/channels.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

/// Sets of descriptors, and what each is called in the trace: "r" "w" "x".
struct Query {
  std::vector<int> read;
  std::vector<int> write;
  std::vector<int> except;
};

/// A call of select's kind; `timeout` is in milliseconds, negative: none.
struct Selector {
  const char* name;
  int (*call)(const Libc&, int count, fd_set* read, fd_set* write, fd_set* except, int timeout);
};

constexpr Selector kSelectors[] = {
    {"select",
     [](const Libc& libc, int count, fd_set* read, fd_set* write, fd_set* except, int timeout) {
       timeval time{timeout / 1'000, timeout % 1'000 * 1'000};
       return libc.select(count, read, write, except, timeout < 0 ? nullptr : &time);
     }},
    {"pselect",
     [](const Libc& libc, int count, fd_set* read, fd_set* write, fd_set* except, int timeout) {
       const timespec time{timeout / 1'000, timeout % 1'000 * 1'000'000};
       return libc.pselect(count, read, write, except, timeout < 0 ? nullptr : &time, nullptr);
     }},
    {"pselect_with_mask",
     [](const Libc& libc, int count, fd_set* read, fd_set* write, fd_set* except, int timeout) {
       const timespec time{timeout / 1'000, timeout % 1'000 * 1'000'000};
       sigset_t mask;
       sigfillset(&mask);
       return libc.pselect(count, read, write, except, timeout < 0 ? nullptr : &time, &mask);
     }},
};

/// Adds `numbers` to a set, and notes how many of it are left after the call.
class Set {
 public:
  explicit Set(const std::vector<int>& numbers) : numbers_(numbers) {
    FD_ZERO(&set_);
    for (const int number : numbers) FD_SET(number, &set_);
  }
  fd_set* get() { return numbers_.empty() ? nullptr : &set_; }
  int highest() const {
    return numbers_.empty() ? -1 : *std::max_element(numbers_.begin(), numbers_.end());
  }
  void note(Session& session, const char* name) const {
    std::string text;
    for (const int number : numbers_) text += FD_ISSET(number, &set_) ? name : "-";
    if (!text.empty()) session.append(text);
  }

 private:
  const std::vector<int>& numbers_;
  fd_set set_;
};

/// Selects, and notes the result with what is left in each set.
void select_from(Session& session, const Selector& selector, const Query& query, int timeout) {
  Set read(query.read);
  Set write(query.write);
  Set except(query.except);
  const int count = 1 + std::max({read.highest(), write.highest(), except.highest()});
  session.measure([&] {
    return selector.call(session.libc, count, read.get(), write.get(), except.get(), timeout);
  });
  read.note(session, "r");
  write.note(session, "w");
  except.note(session, "x");
}

struct Situation {
  const char* name;
  const char* expected;
  void (*act)(Session&, const Selector&);
};

constexpr Situation kSituations[] = {
    {"ReadyAtOnce", "2 r w",
     [](Session& session, const Selector& selector) {
       const Ends ends = unix_stream_ends(session);
       put(session, ends.writer, "x");
       select_from(session, selector, {{ends.reader}, {ends.writer}, {}}, -1);
     }},
    {"WaitsForOneOfMany", "1 -r-",
     [](Session& session, const Selector& selector) {
       const Ends a = pipe_ends(session);
       const Ends b = tcp_ends(session);
       const Ends c = unix_stream_ends(session);
       session.meanwhile([=, &session] { put(session, b.writer, "x"); });
       select_from(session, selector, {{a.reader, b.reader, c.reader}, {}, {}}, -1);
     }},
    {"WaitsForRoom", "1 w",
     [](Session& session, const Selector& selector) {
       const Ends ends = pipe_ends(session);
       fill(session, ends.writer);
       session.meanwhile([=, &session] { take(session, ends.reader, 65536); });
       select_from(session, selector, {{}, {ends.writer}, {}}, -1);
     }},
    {"TheSameInTwoSets", "1 - w, 2 r w",
     [](Session& session, const Selector& selector) {
       const Ends ends = unix_stream_ends(session);
       select_from(session, selector, {{ends.reader}, {ends.reader}, {}}, -1);
       put(session, ends.writer, "x");
       select_from(session, selector, {{ends.reader}, {ends.reader}, {}}, -1);
     }},
    {"UrgentData", "1 - x",
     [](Session& session, const Selector& selector) {
       const Ends ends = tcp_ends(session);
       session.meanwhile([=, &session] { session.libc.send(ends.writer, "!", 1, MSG_OOB); });
       select_from(session, selector, {{ends.reader}, {}, {ends.reader}}, -1);
     }},
    {"TimeOut", "0 -, 0 - -",
     [](Session& session, const Selector& selector) {
       const Ends ends = pipe_ends(session);
       select_from(session, selector, {{ends.reader}, {}, {}}, 3);
       select_from(session, selector, {{ends.reader}, {}, {ends.reader}}, 0);
     }},
    {"NoDescriptors", "0, 0",
     [](Session& session, const Selector& selector) {
       select_from(session, selector, {}, 3);
       select_from(session, selector, {}, 0);
     }},
    {"ClosedOnesAreAnError", "-1 EBADF rr",
     [](Session& session, const Selector& selector) {
       const Ends ends = pipe_ends(session);
       const int closed = free_number(session);
       select_from(session, selector, {{ends.reader, closed}, {}, {}}, -1);
     }},
    {"FilesAreAlwaysReady", "2 r w, 0 -",
     [](Session& session, const Selector& selector) {
       const int file = session.own(::open("/proc/self/exe", O_RDONLY));
       select_from(session, selector, {{file}, {file}, {}}, -1);
       select_from(session, selector, {{}, {}, {file}}, 3);
     }},
    {"HangUp", "1 r, 1 r, 1 w",
     [](Session& session, const Selector& selector) {
       const Ends ends = pipe_ends(session);
       session.meanwhile([=, &session] { session.close(ends.writer); });
       select_from(session, selector, {{ends.reader}, {}, {}}, -1);
       const Ends sockets = tcp_ends(session);
       session.meanwhile([=, &session] { reset_connection(session, sockets.writer); });
       select_from(session, selector, {{sockets.reader}, {}, {}}, -1);
       const Ends other = pipe_ends(session);
       fill(session, other.writer);
       session.meanwhile([=, &session] { session.close(other.reader); });
       select_from(session, selector, {{}, {other.writer}, {}}, -1);
     }},
    {"ListenerWithAConnection", "1 r",
     [](Session& session, const Selector& selector) {
       const int listening = listener(session);
       session.meanwhile([=, &session] { connected_to(session, listening); });
       select_from(session, selector, {{listening}, {}, {}}, -1);
     }},
    // An event that the caller did not ask for must not end the wait, nor turn it into a loop.
    {"IrrelevantEventsDoNotEndIt", "0 -",
     [](Session& session, const Selector& selector) {
       const Ends ends = unix_stream_ends(session);
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       select_from(session, selector, {{}, {}, {ends.reader}}, 10);
       session.finish_helpers();  // before the ends are gone
     }},
    {"BadCount", "-1 EINVAL",
     [](Session& session, const Selector& selector) {
       session.measure(
           [&] { return selector.call(session.libc, -1, nullptr, nullptr, nullptr, 0); });
     }},
    {"BadPointers", "-1 EFAULT, -1 EFAULT, -1 EFAULT",
     [](Session& session, const Selector& selector) {
       auto* bad = bad_pointer<fd_set>();
       session.measure([&] { return selector.call(session.libc, 1, bad, nullptr, nullptr, 0); });
       session.measure([&] { return selector.call(session.libc, 1, nullptr, bad, nullptr, 0); });
       session.measure([&] { return selector.call(session.libc, 1, nullptr, nullptr, bad, 0); });
     }},
    // fd_set ends at 1,024, but select does not.
    {"LargeSets", "1 r",
     [](Session& session, const Selector& selector) {
       const Ends ends = pipe_ends(session);
       const int high = session.own(session.libc.fcntl(ends.reader, F_DUPFD, 3'000));
       std::vector<unsigned long> set(64);
       const auto number = static_cast<unsigned>(high);
       set[number / 64] |= 1ul << number % 64;
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       session.measure([&] {
         return selector.call(session.libc, high + 1, reinterpret_cast<fd_set*>(set.data()),
                              nullptr, nullptr, -1);
       });
       session.append((set[number / 64] >> number % 64 & 1) != 0 ? "r" : "-");
     }},
    {"CountsBeyondTheSet", "-1 EFAULT, 0",
     [](Session& session, const Selector& selector) {
       constexpr std::size_t kPage = 4096;
       void* pages =
           mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       mprotect(static_cast<char*>(pages) + kPage, kPage, PROT_NONE);
       auto* set = reinterpret_cast<fd_set*>(static_cast<char*>(pages) + kPage - sizeof(fd_set));
       const int high = session.own(session.libc.fcntl(0, F_DUPFD, 3'000));
       session.measure([&] { return selector.call(session.libc, high, set, nullptr, nullptr, 0); });
       session.measure(
           [&] { return selector.call(session.libc, FD_SETSIZE, set, nullptr, nullptr, 0); });
       munmap(pages, 2 * kPage);
     }},
};

/// What select leaves in its time-out.
const ParityCase kRemaining[] = {
    {"NothingIsLeftAfterATimeOut", "0, 0 0",
     [](Session& session) {
       timeval time{0, 3'000};
       session.call(session.libc.select, 0, nullptr, nullptr, nullptr, &time);
       session.note(std::to_string(time.tv_sec) + " " + std::to_string(time.tv_usec));
     }},
    {"TheRestIsLeftOtherwise", "1, some of it, 1, some of it",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       const auto select_one = [&] {
         fd_set set;
         FD_ZERO(&set);
         FD_SET(ends.reader, &set);
         timeval time{100, 0};
         session.call(session.libc.select, ends.reader + 1, &set, nullptr, nullptr, &time);
         session.note_if(time.tv_sec == 99 || time.tv_sec == 100, "some of it");
       };
       session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
       select_one();
       session.finish_helpers();
       select_one();
     }},
    {"TheRestIsLeftAfterAnInterruption", "-1 EINTR, some of it",
     [](Session& session) {
       const SignalCounter signals(session, SIGUSR1, SA_RESTART);
       session.meanwhile([=, &session] { session.raise_there(SIGUSR1); });
       timeval time{100, 0};
       session.call(session.libc.select, 0, nullptr, nullptr, nullptr, &time);
       session.note_if(time.tv_sec == 99 || time.tv_sec == 100, "some of it");
     }},
    {"MicrosecondsMayBeMany", "1, some of it",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       put(session, ends.writer, "x");
       fd_set set;
       FD_ZERO(&set);
       FD_SET(ends.reader, &set);
       timeval time{1, 5'000'000};
       session.call(session.libc.select, ends.reader + 1, &set, nullptr, nullptr, &time);
       session.note_if(time.tv_sec == 5 || time.tv_sec == 6, "some of it");
     }},
    {"BadTimes", "-1 EINVAL, -1 EINVAL, -1 EINVAL, -1 EINVAL",
     [](Session& session) {
       for (timeval bad : {timeval{-1, 0}, {0, -1}}) {
         session.call(session.libc.select, 0, nullptr, nullptr, nullptr, &bad);
       }
       for (const timespec& bad : {timespec{0, 1'000'000'000}, {-1, 0}}) {
         session.call(session.libc.pselect, 0, nullptr, nullptr, nullptr, &bad, nullptr);
       }
     }},
    {"EndlessTimes", "1, 1",
     [](Session& session) {
       for (const long most : {std::numeric_limits<long>::max(), 10'000'000'000L}) {
         const Ends ends = pipe_ends(session);
         session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
         fd_set set;
         FD_ZERO(&set);
         FD_SET(ends.reader, &set);
         timeval time{most, most > 10'000'000'000L ? 2'000'000 : 0};
         session.call(session.libc.select, ends.reader + 1, &set, nullptr, nullptr, &time);
         session.finish_helpers();
       }
     }},
};

std::vector<ParityCase> all_cases() {
  std::vector<ParityCase> cases;
  for (const Selector& selector : kSelectors) {
    for (const Situation& situation : kSituations) {
      cases.push_back({selector.name + ("_" + std::string(situation.name)), situation.expected,
                       [&situation, &selector](Session& session) {
                         situation.act(session, selector);
                         session.finish_helpers();
                       }});
    }
  }
  return cases;
}

class SelectParity : public testing::TestWithParam<ParityCase> {};

TEST_P(SelectParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(Select, SelectParity, testing::ValuesIn(all_cases()), name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Remaining, SelectParity, testing::ValuesIn(kRemaining),
                         name_of_case<Info>);

}  // namespace
}  // namespace colibri::test
