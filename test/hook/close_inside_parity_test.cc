// close_range, closefrom, fclose, freopen, closedir, and what makes descriptors without waiting,
// give what libc gives.
#include <dirent.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "colibri/core/sanitizer.h"
#include "test/support/channels.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// Copies of a descriptor from this number on belong to nobody else.
constexpr int kFree = 700;

int copy_of(Session& session, int descriptor, int number) {
  return session.libc.fcntl(descriptor, F_DUPFD_CLOEXEC, number);
}

/// Notes which of the numbers from kFree on are open.
void note_open(Session& session, int count) {
  std::string open;
  for (int number = kFree; number < kFree + count; ++number) {
    open += session.libc.fcntl(number, F_GETFD) >= 0 ? 'o' : '.';
  }
  session.note(open);
}

const ParityCase kRanges[] = {
    {"CloseRange", "0, o..o, 0, ....",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       for (int i = 0; i < 4; ++i) copy_of(session, ends.reader, kFree + i);
       const auto close_range = session.either("close_range", ::close_range);
       session.call(close_range, kFree + 1, kFree + 2, 0);
       note_open(session, 4);
       session.call(close_range, kFree, kFree + 3, 0);
       note_open(session, 4);
     }},
    {"CloseRangeErrors", "-1 EINVAL, -1 EINVAL, 0, 0",
     [](Session& session) {
       const auto close_range = session.either("close_range", ::close_range);
       session.call(close_range, 5, 4, 0);
       session.call(close_range, kFree, kFree, 64);
       session.call(close_range, kFree, kFree + 9, 0);
       session.call(close_range, 3'000'000'000, 4'000'000'000, 0);
     }},
    {"CloseRangeOnExec", "0, oo, 1, 1",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       for (int i = 0; i < 2; ++i) {
         copy_of(session, ends.reader, kFree + i);
         session.libc.fcntl(kFree + i, F_SETFD, 0);
       }
       const auto close_range = session.either("close_range", ::close_range);
       session.call(close_range, kFree, kFree + 1, CLOSE_RANGE_CLOEXEC);
       note_open(session, 2);
       for (int i = 0; i < 2; ++i) {
         session.call(
             +[](const Libc* libc, int number) { return libc->fcntl(number, F_GETFD); },
             &session.libc, kFree + i);
         session.libc.close(kFree + i);
       }
     }},
    {"ANumberThatWasClosedInARangeComesRoundAsAnother", "-1 EAGAIN, 0, blocking, 5 hello",
     [](Session& session) {
       const Ends old = unix_stream_ends(session);
       const Ends next = unix_stream_ends(session);
       set_nonblocking(session, old.reader);
       try_read(session, copy_of(session, old.reader, kFree));
       session.call(session.either("close_range", ::close_range), kFree, kFree, 0);
       // Given out again behind the hooks' back.
       ASSERT_EQ(real::fcntl(next.reader, F_DUPFD_CLOEXEC, kFree), kFree);
       note_flags(session, session.own(kFree));
       session.meanwhile([&session, next] { put(session, next.writer, "hello"); });
       try_read(session, kFree);
     }},
};

const ParityCase kStreams[] = {
    {"Fclose", "0, -1 EBADF",
     [](Session& session) {
       int ends[2];
       session.libc.pipe(ends);
       session.own(ends[0]);
       FILE* stream = fdopen(ends[1], "w");
       session.call(session.either("fclose", ::fclose), stream);
       session.call(session.libc.close, ends[1]);
     }},
    {"FcloseWritesWhatIsBuffered", "0, 5 hello, 0",
     [](Session& session) {
       int ends[2];
       session.libc.pipe(ends);
       session.own(ends[0]);
       FILE* stream = fdopen(ends[1], "w");
       fputs("hello", stream);
       session.call(session.either("fclose", ::fclose), stream);
       try_read(session, ends[0]);
       try_read(session, ends[0]);
     }},
    {"FcloseOfWhatHasNoDescriptor", "0",
     [](Session& session) {
       char text[10] = {};
       session.call(session.either("fclose", ::fclose), fmemopen(text, sizeof text, "w"));
     }},
    {"FcloseAfterClose", "-1 EBADF",
     [](Session& session) {
       int ends[2];
       session.libc.pipe(ends);
       session.own(ends[0]);
       FILE* stream = fdopen(ends[1], "w");
       session.libc.close(ends[1]);
       session.call(session.either("fclose", ::fclose), stream);
     }},
    {"ANumberThatFcloseClosedComesRoundAsAnother", "blocking, 5 hello",
     [](Session& session) {
       int ends[2];
       session.libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
       session.own(ends[0]);
       char byte;
       session.libc.read(ends[1], &byte, 1);
       session.either("fclose", ::fclose)(fdopen(ends[1], "r"));
       const int next[] = {real::socket(AF_UNIX, SOCK_DGRAM, 0)};
       session.own(next[0]);
       note_flags(session, next[0]);
       const sockaddr_un name = unix_address();
       ASSERT_EQ(bind(next[0], generic(name), sizeof name), 0);
       session.meanwhile([&session, name] {
         const int sender = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
         session.libc.sendto(sender, "hello", 5, 0, generic(name), sizeof name);
       });
       try_read(session, next[0]);
     }},
    {"Freopen", "same stream, 0, 0",
     [](Session& session) {
       FILE* stream = fopen("/dev/zero", "r");
       FILE* again = session.either("freopen", ::freopen)("/dev/null", "r", stream);
       session.note_if(again == stream, "same stream");
       char byte;
       session.call(session.libc.read, fileno(again), static_cast<void*>(&byte), 1);
       session.call(session.either("fclose", ::fclose), again);
     }},
    {"FreopenOfWhatIsNotThere", "no stream",
     [](Session& session) {
       FILE* stream = fopen("/dev/zero", "r");
       FILE* again = session.either("freopen64", ::freopen64)("/nothing/there", "r", stream);
       session.note(again == nullptr ? "no stream" : "a stream");
       keep_for_good(stream);  // libc closes it, and never frees it
     }},
    {"Closedir", "0, -1 EBADF",
     [](Session& session) {
       DIR* folder = opendir("/");
       const int number = dirfd(folder);
       session.call(session.either("closedir", ::closedir), folder);
       session.call(session.libc.close, number);
     }},
    {"ClosedirOfNothing", "-1 EINVAL",
     [](Session& session) {
       session.call(session.either("closedir", ::closedir), static_cast<DIR*>(nullptr));
     }},
};

/// Notes whether a descriptor that was just made blocks.
void note_new(Session& session, int descriptor) {
  note_flags(session, session.own(descriptor));
}

const ParityCase kBirths[] = {
    {"NonBlocking", "non-blocking, non-blocking, non-blocking, non-blocking",
     [](Session& session) {
       sigset_t none;
       sigemptyset(&none);
       note_new(session, session.either("eventfd", ::eventfd)(0, EFD_NONBLOCK));
       note_new(session,
                session.either("timerfd_create", ::timerfd_create)(CLOCK_MONOTONIC, TFD_NONBLOCK));
       note_new(session, session.either("signalfd", ::signalfd)(-1, &none, SFD_NONBLOCK));
       note_new(session, session.either("inotify_init1", ::inotify_init1)(IN_NONBLOCK));
     }},
    {"Blocking", "blocking, blocking, blocking, blocking, blocking, blocking",
     [](Session& session) {
       sigset_t none;
       sigemptyset(&none);
       note_new(session, session.either("eventfd", ::eventfd)(0, 0));
       note_new(session, session.either("timerfd_create", ::timerfd_create)(CLOCK_MONOTONIC, 0));
       note_new(session, session.either("signalfd", ::signalfd)(-1, &none, 0));
       note_new(session, session.either("inotify_init", ::inotify_init)());
       note_new(session, session.either("epoll_create", ::epoll_create)(1));
       note_new(session, session.either("epoll_create1", ::epoll_create1)(0));
     }},
    {"Errors", "-1 EINVAL, -1 EINVAL, -1 EINVAL, -1 EINVAL, -1 EINVAL, -1 EINVAL",
     [](Session& session) {
       sigset_t none;
       sigemptyset(&none);
       session.call(session.either("eventfd", ::eventfd), 0, 1 << 20);
       session.call(session.either("timerfd_create", ::timerfd_create), 99, 0);
       session.call(session.either("signalfd", ::signalfd), -1, &none, 1);
       session.call(session.either("inotify_init1", ::inotify_init1), 1);
       session.call(session.either("epoll_create", ::epoll_create), 0);
       session.call(session.either("epoll_create1", ::epoll_create1), 1);
     }},
    {"EventfdReadWaits", "0, 7, 0, -1 EINVAL, -1 EBADF",
     [](Session& session) {
       const int event = session.own(session.either("eventfd", ::eventfd)(0, 0));
       const auto write = session.either("eventfd_write", ::eventfd_write);
       const auto read = session.either("eventfd_read", ::eventfd_read);
       session.meanwhile([write, event] { write(event, 7); });
       eventfd_t value = 0;
       session.call(read, event, &value);
       session.note(std::to_string(value));
       session.call(write, event, 3);
       session.call(write, event, ~eventfd_t{0});
       session.call(read, -1, &value);
     }},
    {"EventfdWriteWaits", "0, 0, 5",
     [](Session& session) {
       const int event = session.own(session.either("eventfd", ::eventfd)(0, 0));
       const auto write = session.either("eventfd_write", ::eventfd_write);
       session.call(write, event, ~eventfd_t{1});
       session.meanwhile([&session, event] {
         eventfd_t value = 0;
         session.either("eventfd_read", ::eventfd_read)(event, &value);
       });
       session.call(write, event, 5);
       session.finish_helpers();
       eventfd_t value = 0;
       session.either("eventfd_read", ::eventfd_read)(event, &value);
       session.note(std::to_string(value));
     }},
    {"InotifyWaits", "created",
     [](Session& session) {
       char folder[] = "/tmp/colibri_test_XXXXXX";
       ASSERT_NE(mkdtemp(folder), nullptr);
       const int watch = session.own(session.either("inotify_init1", ::inotify_init1)(0));
       inotify_add_watch(watch, folder, IN_CREATE);
       const std::string path = std::string(folder) + "/f";
       session.meanwhile(
           [&session, path] { session.own(::open(path.c_str(), O_CREAT | O_WRONLY, 0600)); });
       alignas(inotify_event) char buffer[256];
       const ssize_t size = session.libc.read(watch, buffer, sizeof buffer);
       session.finish_helpers();
       const auto* event = reinterpret_cast<const inotify_event*>(buffer);
       session.note(size > 0 && (event->mask & IN_CREATE) != 0 ? "created" : "nothing");
       unlink(path.c_str());
       rmdir(folder);
     }},
    {"SignalfdWaits", "128 from SIGUSR2",
     [](Session& session) {
       sigset_t mask;
       sigset_t before;
       sigemptyset(&mask);
       sigaddset(&mask, SIGUSR2);
       pthread_sigmask(SIG_BLOCK, &mask, &before);
       const int signals = session.own(session.either("signalfd", ::signalfd)(-1, &mask, 0));
       session.meanwhile([&session] { session.raise_there(SIGUSR2); });
       signalfd_siginfo info{};
       session.call(session.libc.read, signals, static_cast<void*>(&info), sizeof info);
       session.append(info.ssi_signo == SIGUSR2 ? "from SIGUSR2" : "from another");
       pthread_sigmask(SIG_SETMASK, &before, nullptr);
     }},
    {"TimerfdWaits", "8 1",
     [](Session& session) {
       const int timer =
           session.own(session.either("timerfd_create", ::timerfd_create)(CLOCK_MONOTONIC, 0));
       const itimerspec soon{{}, {0, 2'000'000}};
       timerfd_settime(timer, 0, &soon, nullptr);
       std::uint64_t count = 0;
       session.call(session.libc.read, timer, static_cast<void*>(&count), sizeof count);
       session.append(std::to_string(count));
     }},
};

class CloseInsideParity : public testing::TestWithParam<ParityCase> {};

TEST_P(CloseInsideParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Ranges, CloseInsideParity, testing::ValuesIn(kRanges),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Streams, CloseInsideParity, testing::ValuesIn(kStreams),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Births, CloseInsideParity, testing::ValuesIn(kBirths),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
