// TimeLimit and cancel reach every hooked call that may fail, and no other.
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "colibri/core/deadline.h"
#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/hooked_calls.h"
#include "test/support/run_in_session.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using std::chrono::milliseconds;

class EndOfWaiting : public testing::TestWithParam<WaitingCall> {
 protected:
  /// Makes the call and expects it to fail with `error`.
  static void expect_failure(Session& session, int error) {
    errno = 0;
    const long result = GetParam().call(session);
    const int got = errno;
    EXPECT_EQ(result, -1);
    EXPECT_EQ(got, error) << strerrorname_np(got) << " instead of " << strerrorname_np(error);
  }
};

TEST_P(EndOfWaiting, ComesWithTheTimeLimit) {
  run_in_session([](Session& session) {
    // The call makes its descriptors under the limit, too.
    const TimeLimit limit(milliseconds(test::in_valgrind() ? 500 : 5));
    expect_failure(session, ETIMEDOUT);
    EXPECT_TRUE(limit.has_passed());
  });
}

TEST_P(EndOfWaiting, ComesWithCancel) {
  run_in_scheduler([] {
    bool ended = false;
    auto task = spawn([&] {
      Session session(Way::kHookInCoroutine);
      expect_failure(session, ECANCELED);
      ended = true;
    });
    sleep_for(milliseconds(3));
    EXPECT_FALSE(ended);
    task.cancel();
    task.join();
    EXPECT_TRUE(ended);
  });
}

TEST_P(EndOfWaiting, ComesWithTheEndOfMain) {
  bool ended = false;
  run_in_scheduler([&] {
    go([&] {
      Session session(Way::kHookInCoroutine);
      expect_failure(session, ECANCELED);
      ended = true;
    });
    sleep_for(milliseconds(3));
  });
  EXPECT_TRUE(ended);
}

INSTANTIATE_TEST_SUITE_P(Every, EndOfWaiting, testing::ValuesIn(waiting_calls()),
                         name_of_case<testing::TestParamInfo<WaitingCall>>);

TEST(Limit, OfAnOuterScopeHoldsInside) {
  run_in_session([](Session& session) {
    const TimeLimit outer(milliseconds(3));
    const TimeLimit inner(std::chrono::hours(1));
    char byte;
    EXPECT_EQ(read(pipe_ends(session).reader, &byte, 1), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
  });
}

TEST(Limit, IsGoneAfterItsScope) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    char byte;
    {
      const TimeLimit limit(milliseconds(2));
      EXPECT_EQ(read(ends.reader, &byte, 1), -1);
      EXPECT_EQ(errno, ETIMEDOUT);
    }
    session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
    EXPECT_EQ(read(ends.reader, &byte, 1), 1);
  });
}

TEST(Limit, OfTheProgramComesFirstIfItIsShorter) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    set_timeout(session, ends.reader, SO_RCVTIMEO, 3'000);
    const TimeLimit limit(std::chrono::hours(1));
    char byte;
    EXPECT_EQ(read(ends.reader, &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
  });
}

TEST(Limit, FailsCallsAtOnceWhenItHasPassedAndDataStays) {
  run_in_session([](Session& session) {
    const Ends ends = pipe_ends(session);
    put(session, ends.writer, "x");
    char byte = 0;
    {
      const TimeLimit limit(milliseconds(0));
      EXPECT_EQ(read(ends.reader, &byte, 1), -1);
      EXPECT_EQ(errno, ETIMEDOUT);
    }
    EXPECT_EQ(read(ends.reader, &byte, 1), 1);
    EXPECT_EQ(byte, 'x');
  });
}

TEST(Limit, KeepsTheCountOfAPartlyDoneWrite) {
  run_in_session([](Session& session) {
    const Ends ends = pipe_ends(session);
    const std::string text(100'000, 'x');
    // Long enough for the part that needs no waiting.
    const TimeLimit limit(milliseconds(test::in_valgrind() ? 500 : 3));
    EXPECT_EQ(write(ends.writer, text.data(), text.size()), 65'536);
    EXPECT_EQ(write(ends.writer, text.data(), text.size()), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
  });
}

TEST(Limit, DoesNotReachWhatMustNotFail) {
  run_in_scheduler([] {
    int ends[2];
    const TimeLimit limit(milliseconds(0));
    ASSERT_EQ(pipe(ends), 0);
    const int copy = dup(ends[0]);
    EXPECT_GE(copy, 0);
    for (const int each : {ends[0], ends[1], copy}) EXPECT_EQ(close(each), 0);
  });
}

TEST(Cancel, DoesNotReachClose) {
  run_in_scheduler([] {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    auto task = spawn([&] {
      char byte;
      EXPECT_EQ(read(ends[0], &byte, 1), -1);
      EXPECT_EQ(errno, ECANCELED);
      EXPECT_EQ(write(ends[1], &byte, 1), -1);
      EXPECT_EQ(errno, ECANCELED);
      EXPECT_EQ(close(ends[0]), 0);
      EXPECT_EQ(close(ends[1]), 0);
    });
    yield();
    task.cancel();
    task.join();
  });
}

TEST(Cancel, LetsALoopThatIgnoresErrorsStarveNobody) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = pipe_ends(session);
    int failures = 0;
    bool stop = false;
    auto task = spawn([&] {
      char byte;
      while (!stop) failures += read(ends.reader, &byte, 1) < 0 && errno == ECANCELED;
    });
    task.cancel();
    sleep_for(milliseconds(2));  // returns only if the loop gives way
    stop = true;
    task.join();
    EXPECT_GT(failures, 0);
  });
}

/// Calls that fail without waiting, and whose descriptors the hooks know nothing of or leave alone.
const WaitingCall kHopelessCalls[] = {
    {"read", [](Session& session) { return session.libc.read(-1, nullptr, 1); }},
    {"readv", [](Session& session) { return session.libc.readv(-1, nullptr, 1); }},
    {"recv", [](Session& session) { return session.libc.recv(-1, nullptr, 1, 0); }},
    {"recvmsg", [](Session& session) { return session.libc.recvmsg(-1, nullptr, 0); }},
    {"write", [](Session& session) { return session.libc.write(-1, nullptr, 1); }},
    {"writev", [](Session& session) { return session.libc.writev(-1, nullptr, 1); }},
    {"send", [](Session& session) { return session.libc.send(-1, nullptr, 1, 0); }},
    {"sendmsg", [](Session& session) { return session.libc.sendmsg(-1, nullptr, 0); }},
    {"accept", [](Session& session) { return session.libc.accept(-1, nullptr, nullptr); }},
    {"connect", [](Session& session) { return session.libc.connect(-1, nullptr, 0); }},
    {"open", [](Session&) { return ::open("/nothing/there", O_RDONLY); }},
    {"fopen", [](Session&) { return ::fopen("/nothing/there", "r") != nullptr ? 0 : -1; }},
    {"preadv", [](Session&) { return ::preadv(-1, nullptr, 0, 0); }},
    {"pwritev", [](Session&) { return ::pwritev(-1, nullptr, 0, 0); }},
    {"copy_file_range", [](Session&) { return ::copy_file_range(-1, nullptr, -1, nullptr, 1, 0); }},
    {"fallocate", [](Session&) { return ::fallocate(-1, 0, 0, 1); }},
    {"posix_fallocate", [](Session&) { return -::posix_fallocate(-1, 0, 1); }},
    {"sync_file_range", [](Session&) { return ::sync_file_range(-1, 0, 1, 0); }},
    {"syncfs", [](Session&) { return ::syncfs(-1); }},
    {"fcntl", [](Session& session) { return session.libc.fcntl(-1, F_GETFL); }},
    {"fcntl_SETLKW",
     [](Session& session) {
       struct flock64 lock {};
       return session.libc.fcntl(-1, F_SETLKW, &lock);
     }},
    {"ioctl", [](Session& session) { return session.libc.ioctl(-1, FIONBIO, nullptr); }},
    {"setsockopt",
     [](Session& session) { return session.libc.setsockopt(-1, SOL_SOCKET, 0, nullptr, 0); }},
    {"socket", [](Session& session) { return session.libc.socket(-1, -1, -1); }},
    {"pipe2", [](Session& session) { return session.libc.pipe2(nullptr, -1); }},
    {"dup", [](Session& session) { return session.libc.dup(-1); }},
    {"dup2", [](Session& session) { return session.libc.dup2(-1, 3); }},
    {"dup3", [](Session& session) { return session.libc.dup3(3, 3, O_CLOEXEC); }},
    {"close", [](Session& session) { return session.libc.close(-1); }},
    {"close_range", [](Session&) { return ::close_range(5, 3, 0); }},
    {"eventfd", [](Session&) { return ::eventfd(0, -1); }},
    {"epoll_create1", [](Session&) { return ::epoll_create1(-1); }},
    {"nanosleep", [](Session& session) { return session.libc.nanosleep(nullptr, nullptr); }},
    {"clock_nanosleep",
     [](Session& session) {
       const timespec time{0, 1};
       return -session.libc.clock_nanosleep(4711, 0, &time, nullptr);
     }},
    {"poll", [](Session& session) { return session.libc.poll(nullptr, 1, 0); }},
    {"ppoll",
     [](Session& session) {
       const timespec bad{-1, 0};
       return session.libc.ppoll(nullptr, 0, &bad, nullptr);
     }},
    {"select",
     [](Session& session) { return session.libc.select(-1, nullptr, nullptr, nullptr, nullptr); }},
    {"epoll_wait", [](Session& session) { return session.libc.epoll_wait(-1, nullptr, 1, -1); }},
};

class HopelessCall : public testing::TestWithParam<WaitingCall> {};

TEST_P(HopelessCall, OfACancelledCoroutineStarvesNobody) {
  run_with_session_in_main([](Session& session) {
    int failures = 0;
    bool stop = false;
    auto task = spawn([&] {
      while (!stop) failures += GetParam().call(session) < 0;
    });
    task.cancel();
    sleep_for(milliseconds(2));  // returns only if the loop gives way
    stop = true;
    task.join();
    EXPECT_GT(failures, 0);
  });
}

INSTANTIATE_TEST_SUITE_P(Every, HopelessCall, testing::ValuesIn(kHopelessCalls),
                         name_of_case<testing::TestParamInfo<WaitingCall>>);

TEST(Cancel, LetsALoopOnANonBlockingDescriptorStarveNobody) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = tcp_ends(session);
    set_nonblocking(session, ends.reader);
    bool stop = false;
    auto task = spawn([&] {
      char byte;
      while (!stop && read(ends.reader, &byte, 1) < 0) EXPECT_EQ(errno, EAGAIN);
    });
    task.cancel();
    sleep_for(milliseconds(2));
    stop = true;
    task.join();
  });
}

}  // namespace
}  // namespace colibri::test
