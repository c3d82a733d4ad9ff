// fork inside a coroutine: the child goes on with that coroutine alone, on an epoll set of its own,
// and disturbs nothing of its parent's (HOOKS, fact 7).
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <thread>

#include "colibri/core/sanitizer.h"
#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/run_in_session.h"

namespace colibri::test {
namespace {

class Fork : public testing::Test {
 protected:
  void SetUp() override {
    if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  }
};

/// In the child: ends it, with 0 if `good`.
[[noreturn]] void end_child(bool good) {
  _exit(good ? 0 : 1);
}

TEST_F(Fork, TheChildReadsAndWritesItsSockets) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    session.meanwhile([=, &session] { put(session, ends.writer, "first"); });
    EXPECT_EQ(take(session, ends.reader, 5), "first");  // registered with the parent's set
    const pid_t child = fork();
    if (child == 0) {
      // Waits, since the parent writes only after it got the greeting.
      put(session, ends.reader, "greeting");
      const bool good = take(session, ends.reader, 5) == "hello";
      put(session, ends.reader, "reply");
      end_child(good);
    }
    EXPECT_EQ(take(session, ends.writer, 8), "greeting");
    put(session, ends.writer, "hello");
    EXPECT_EQ(take(session, ends.writer, 5), "reply");
    EXPECT_EQ(exit_status_of(child), 0);
  });
}

TEST_F(Fork, TheChildMayCloseWhatTheParentWaitsFor) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = tcp_ends(session);
    auto reader = spawn([&] { EXPECT_EQ(take(session, ends.reader, 5), "hello"); });
    sleep_for(std::chrono::milliseconds(1));
    const pid_t child = fork();
    if (child == 0) {
      close(ends.reader);
      close(ends.writer);
      // Another description under the same number, and waits on it.
      int pair[2];
      if (pipe(pair) != 0) end_child(false);
      pollfd query{pair[0], POLLIN, 0};
      end_child(poll(&query, 1, 2) == 0);
    }
    EXPECT_EQ(exit_status_of(child), 0);
    EXPECT_FALSE(reader.done());
    put(session, ends.writer, "hello");
    reader.join();
  });
}

TEST_F(Fork, TheChildTakesNoEventsOfTheParent) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = tcp_ends(session);
    const Ends end_of_child = pipe_ends(session);
    int taken = 0;
    auto reader = spawn([&] {
      for (; taken < 50; ++taken) EXPECT_EQ(take(session, ends.reader, 1), "x");
    });
    sleep_for(std::chrono::milliseconds(1));
    const pid_t child = fork();
    if (child == 0) {
      // Turns its loop until the parent is through.
      session.close(end_of_child.writer);
      char byte;
      end_child(read(end_of_child.reader, &byte, 1) == 0);
    }
    for (int i = 0; i < 50; ++i) {
      put(session, ends.writer, "x");
      usleep(50);
    }
    reader.join();
    EXPECT_EQ(taken, 50);
    session.close(end_of_child.writer);
    EXPECT_EQ(exit_status_of(child), 0);
  });
}

TEST_F(Fork, OtherCoroutinesExistInTheParentOnly) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = pipe_ends(session);
    auto other = spawn([&] {
      usleep(3'000);
      put(session, ends.writer, "x");
    });
    yield();
    const pid_t child = fork();
    if (child == 0) {
      usleep(10'000);  // the other one would write by now
      end_child(true);
    }
    other.join();
    EXPECT_EQ(exit_status_of(child), 0);
    EXPECT_EQ(take(session, ends.reader, 1), "x");
    pollfd query{ends.reader, POLLIN, 0};
    EXPECT_EQ(poll(&query, 1, 0), 0) << "written twice";
  });
}

TEST_F(Fork, ByACoroutineOtherThanMainEndsTheChildWithIt) {
  if (kAddressSanitizer) {
    GTEST_SKIP() << "the child ends by exit, and what its lost coroutines held looks leaked";
  }
  flush_before_fork();
  run_in_scheduler([] {
    const pid_t parent = getpid();
    pid_t child = -1;
    auto forker = spawn([&] {
      child = fork();
      usleep(1'000);
    });
    forker.join();
    if (getpid() != parent) end_child(false);  // main must not go on in the child
    EXPECT_EQ(exit_status_of(child), 0);
  });
}

TEST_F(Fork, TheChildMayForkAndSpawn) {
  run_in_scheduler([] {
    const pid_t child = fork();
    if (child == 0) {
      int sum = 0;
      auto task = spawn([&] {
        usleep(500);
        ++sum;
      });
      task.join();
      const pid_t grandchild = fork();
      if (grandchild == 0) {
        usleep(500);
        end_child(sum == 1);
      }
      end_child(exit_status_of(grandchild) == 0);
    }
    EXPECT_EQ(exit_status_of(child), 0);
  });
}

TEST_F(Fork, ByAPlainThreadLeavesThePlainChildWithPlainCalls) {
  run_in_session([](Session& session) {
    const Ends ends = unix_stream_ends(session);
    std::atomic<int> status{-1};
    std::thread forker([&] {
      const pid_t child = fork();
      if (child == 0) {
        put(session, ends.reader, "from the child");
        char byte;
        end_child(read(ends.reader, &byte, 1) == 1 && close(ends.reader) == 0);
      }
      status = exit_status_of(child);
    });
    EXPECT_EQ(take(session, ends.writer, 14), "from the child");
    put(session, ends.writer, "x");
    forker.join();
    EXPECT_EQ(status, 0);
  });
}

// HOOKS, fact 8: the flag is shared. The program's own is; ours never leaks to the child.
TEST_F(Fork, NonBlockingIsSharedAndOursIsNot) {
  run_in_session([](Session& session) {
    const Ends ends = pipe_ends(session);
    session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
    EXPECT_EQ(take(session, ends.reader, 1), "x");
    const pid_t child = fork();
    if (child == 0) {
      const int raw = real::fcntl(ends.reader, F_GETFL);
      end_child((raw & O_NONBLOCK) == 0);
    }
    EXPECT_EQ(exit_status_of(child), 0);
  });
}

}  // namespace
}  // namespace colibri::test
