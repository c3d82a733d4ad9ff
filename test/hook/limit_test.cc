// TimeLimit and cancel reach every hooked call that may fail, and no other.
#include <gtest/gtest.h>

#include "colibri/core/deadline.h"
#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/hooked_calls.h"
#include "test/support/run_in_scheduler.h"
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
  run_in_scheduler([] {
    Session session(Way::kHookInCoroutine);
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
  run_in_scheduler([] {
    Session session(Way::kHookInCoroutine);
    const TimeLimit outer(milliseconds(3));
    const TimeLimit inner(std::chrono::hours(1));
    char byte;
    EXPECT_EQ(read(pipe_ends(session).reader, &byte, 1), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
  });
}

TEST(Limit, IsGoneAfterItsScope) {
  run_in_scheduler([] {
    Session session(Way::kHookInCoroutine);
    const Ends ends = tcp_ends(session);
    char byte;
    {
      const TimeLimit limit(milliseconds(2));
      EXPECT_EQ(read(ends.reader, &byte, 1), -1);
      EXPECT_EQ(errno, ETIMEDOUT);
    }
    session.meanwhile([&] { put(session, ends.writer, "x"); });
    EXPECT_EQ(read(ends.reader, &byte, 1), 1);
  });
}

TEST(Limit, OfTheProgramComesFirstIfItIsShorter) {
  run_in_scheduler([] {
    Session session(Way::kHookInCoroutine);
    const Ends ends = tcp_ends(session);
    set_timeout(session, ends.reader, SO_RCVTIMEO, 3'000);
    const TimeLimit limit(std::chrono::hours(1));
    char byte;
    EXPECT_EQ(read(ends.reader, &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
  });
}

TEST(Limit, FailsCallsAtOnceWhenItHasPassedAndDataStays) {
  run_in_scheduler([] {
    Session session(Way::kHookInCoroutine);
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
  run_in_scheduler([] {
    Session session(Way::kHookInCoroutine);
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
    Session session(Way::kHookInCoroutine);
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
  run_in_scheduler([] {
    Session session(Way::kHookInCoroutine);
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

}  // namespace
}  // namespace colibri::test
