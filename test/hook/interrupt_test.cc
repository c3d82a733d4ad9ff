// Signals inside coroutines: main's coroutine gets EINTR, all others go on; Ctrl-C stops a server.
#include <gtest/gtest.h>

#include <thread>

#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/hooked_calls.h"
#include "test/support/run_in_session.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

TEST(Interrupt, LeavesOtherCoroutinesWaiting) {
  for (const WaitingCall& waiting : waiting_calls()) {
    SCOPED_TRACE(waiting.name);
    run_in_scheduler([&] {
      const SignalCounter signals(hooked_libc(), SIGUSR1);
      auto task = spawn([&] {
        Session session(Way::kHookInCoroutine);
        EXPECT_EQ(waiting.call(session), -1);
        EXPECT_EQ(errno, ECANCELED) << "not by the signal";
      });
      sleep_for(std::chrono::milliseconds(2));
      raise(SIGUSR1);
      yield();
      sleep_for(std::chrono::milliseconds(1));
      EXPECT_EQ(signals.count(), 1);
      EXPECT_FALSE(task.done());
      task.cancel();
      task.join();
    });
  }
}

TEST(Interrupt, ReachesTheNextWaitIfMainRunsWhenTheSignalComes) {
  run_in_session([](Session& session) {
    const SignalCounter signals(hooked_libc(), SIGUSR1);
    const Ends ends = pipe_ends(session);
    raise(SIGUSR1);
    yield();
    char byte;
    EXPECT_EQ(read(ends.reader, &byte, 1), -1);
    EXPECT_EQ(errno, EINTR);
    session.meanwhile([=, &session] { put(session, ends.writer, "x"); });
    EXPECT_EQ(read(ends.reader, &byte, 1), 1) << "one signal interrupts one call";
  });
}

TEST(Interrupt, OfACallThatNeedNotWaitIsKeptForOneThatMust) {
  run_in_session([](Session& session) {
    const SignalCounter signals(hooked_libc(), SIGUSR1);
    const Ends ends = pipe_ends(session);
    put(session, ends.writer, "x");
    raise(SIGUSR1);
    yield();
    char byte;
    EXPECT_EQ(read(ends.reader, &byte, 1), 1);
    EXPECT_EQ(read(ends.reader, &byte, 1), -1);
    EXPECT_EQ(errno, EINTR);
  });
}

TEST(Interrupt, DoesNotReachColibrisOwnWaits) {
  run_in_scheduler([] {
    const SignalCounter signals(hooked_libc(), SIGUSR1);
    go([] { raise(SIGUSR1); });
    EXPECT_NO_THROW(sleep_for(std::chrono::milliseconds(2)));
    EXPECT_EQ(signals.count(), 1);
  });
}

TEST(Interrupt, FromOutsideWakesAThreadThatIsAsleepInItsLoop) {
  run_in_scheduler([] {
    const SignalCounter signals(hooked_libc(), SIGUSR1);
    const pthread_t here = pthread_self();
    std::thread sender([here] {
      const timespec pause{0, 3'000'000};
      real::nanosleep(&pause, nullptr);
      pthread_kill(here, SIGUSR1);
    });
    EXPECT_GE(sleep(100), 1u);
    EXPECT_EQ(signals.count(), 1);
    sender.join();
  });
}

/// A handler that makes hooked calls, as handlers may.
int handler_pipe[2];
void write_in_handler(int) {
  const int saved_errno = errno;
  char byte;
  read(handler_pipe[0], &byte, 1);  // there is one: does not block
  write(handler_pipe[1], "s", 1);
  errno = saved_errno;
}

TEST(Interrupt, HandlersMayCallHooksInACoroutineAndInTheLoop) {
  run_in_session([](Session& session) {
    const SignalCounter restore(hooked_libc(), SIGUSR1);
    signal(SIGUSR1, write_in_handler);
    const Ends ends = pipe_ends(session);
    handler_pipe[0] = ends.reader;
    handler_pipe[1] = ends.writer;
    put(session, ends.writer, "m");
    raise(SIGUSR1);
    EXPECT_EQ(take(session, ends.reader, 1), "s");
    put(session, ends.writer, "m");
    const pthread_t here = pthread_self();
    std::thread sender([here] { pthread_kill(here, SIGUSR1); });
    usleep(5'000);
    sender.join();
    EXPECT_EQ(take(session, ends.reader, 1), "s");
  });
}

/// Serves until a signal says stop, as in any textbook. Returns how many connections it had.
volatile sig_atomic_t stop_asked;
int serve_until_stopped(Session& session, int listening) {
  int served = 0;
  while (stop_asked == 0) {
    const int socket = accept(listening, nullptr, nullptr);
    if (socket < 0) {
      EXPECT_EQ(errno, EINTR);
      continue;
    }
    session.own(socket);
    ++served;
  }
  return served;
}

class StopSignal : public testing::TestWithParam<int> {};

TEST_P(StopSignal, StopsAnAcceptLoop) {
  run_in_session([](Session& session) {
    stop_asked = 0;
    const SignalCounter restore(hooked_libc(), GetParam());
    struct sigaction action {};
    action.sa_handler = [](int) { stop_asked = 1; };
    sigaction(GetParam(), &action, nullptr);
    const int listening = listener(session);
    session.meanwhile([=, &session] {
      connected_to(session, listening);
      session.until_waiting();
      raise(GetParam());
    });
    EXPECT_EQ(serve_until_stopped(session, listening), 1);
  });
}

TEST_P(StopSignal, StopsAnAcceptLoopThatWasNotWaitingYet) {
  run_in_session([](Session& session) {
    stop_asked = 0;
    const SignalCounter restore(hooked_libc(), GetParam());
    struct sigaction action {};
    action.sa_handler = [](int) { stop_asked = 1; };
    sigaction(GetParam(), &action, nullptr);
    const int listening = listener(session);
    EXPECT_EQ(stop_asked, 0);
    // Between the loop's look at the flag and its call.
    raise(GetParam());
    EXPECT_EQ(accept(listening, nullptr, nullptr), -1);
    EXPECT_EQ(errno, EINTR);
    EXPECT_EQ(serve_until_stopped(session, listening), 0);
  });
}

INSTANTIATE_TEST_SUITE_P(Of, StopSignal, testing::Values(SIGINT, SIGTERM));

}  // namespace
}  // namespace colibri::test
