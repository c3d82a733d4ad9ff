// Outside coroutines, hooks behave as libc does, whatever coroutines have done to the descriptor.
#include <gtest/gtest.h>

#include <thread>

#include "test/support/channels.h"
#include "test/support/run_in_session.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

/// A listener on which a coroutine has accepted, and which is therefore non-blocking underneath.
int listener_used_by_a_coroutine(Session& session) {
  const int listening = listener(session);
  connected_to(session, listening);
  run([&] { session.own(accept(listening, nullptr, nullptr)); });
  EXPECT_NE(real::fcntl(listening, F_GETFL) & O_NONBLOCK, 0) << "the test proves nothing any more";
  return listening;
}

/// Connects once the session's flow waits.
void connect_meanwhile(Session& session, int listening) {
  session.meanwhile([&session, listening] { connected_to(session, listening); });
}

TEST(Passthrough, AcceptOfAPlainThreadWaitsOnAListenerOfCoroutines) {
  const LeakCheck leaks;
  Session session(Way::kHookInThread);
  const int listening = listener_used_by_a_coroutine(session);
  connect_meanwhile(session, listening);
  errno = 0;
  const int socket = accept(listening, nullptr, nullptr);
  EXPECT_GE(socket, 0);
  EXPECT_EQ(errno, 0);
  session.own(socket);
  session.finish_helpers();
  connect_meanwhile(session, listening);
  session.own(accept4(listening, nullptr, nullptr, 0));
}

TEST(Passthrough, AcceptThereKeepsItsTimeOut) {
  const LeakCheck leaks;
  Session session(Way::kHookInThread);
  const int listening = listener_used_by_a_coroutine(session);
  set_timeout(session, listening, SO_RCVTIMEO, 5'000);
  EXPECT_EQ(accept(listening, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(Passthrough, AcceptThereDoesNotWaitIfTheProgramSaysSo) {
  const LeakCheck leaks;
  Session session(Way::kHookInThread);
  const int listening = listener_used_by_a_coroutine(session);
  set_nonblocking(session, listening);
  EXPECT_EQ(accept(listening, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(Passthrough, AcceptThereIsInterruptedBySignals) {
  const LeakCheck leaks;
  Session session(Way::kHookInThread);
  const int listening = listener_used_by_a_coroutine(session);
  const SignalCounter signals(session, SIGUSR1);
  session.meanwhile([=, &session] { session.raise_there(SIGUSR1); });
  EXPECT_EQ(accept(listening, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EINTR);
  session.finish_helpers();
}

TEST(Passthrough, AcceptThereGoesOnAfterARestartingHandler) {
  const LeakCheck leaks;
  Session session(Way::kHookInThread);
  const int listening = listener_used_by_a_coroutine(session);
  const SignalCounter signals(session, SIGUSR1, SA_RESTART);
  session.meanwhile([=, &session] {
    session.raise_there(SIGUSR1);
    session.until_waiting();
    connected_to(session, listening);
  });
  session.own(accept(listening, nullptr, nullptr));
  EXPECT_EQ(signals.count(), 1);
  session.finish_helpers();
}

TEST(Passthrough, AcceptOnACopyWaitsToo) {
  const LeakCheck leaks;
  Session session(Way::kHookInThread);
  const int listening = listener(session);
  const int copy = session.own(dup(listening));
  connected_to(session, listening);
  run([&] { session.own(accept(listening, nullptr, nullptr)); });
  EXPECT_EQ(fcntl(copy, F_GETFL) & O_NONBLOCK, 0);
  connect_meanwhile(session, listening);
  session.own(accept(copy, nullptr, nullptr));
}

TEST(Passthrough, BlockingCallsOfAPlainThreadWorkBesideAScheduler) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    std::string taken;
    std::thread reader([&] { taken = take(session, ends.reader, 10); });
    usleep(2'000);
    put(session, ends.writer, "hello");
    usleep(2'000);
    put(session, ends.writer, "world");
    reader.join();
    EXPECT_EQ(taken, "helloworld");
  });
}

TEST(Passthrough, DescriptorsGoFromThreadsToCoroutinesAndBack) {
  const LeakCheck leaks;
  Session session(Way::kHookInThread);
  const Ends ends = unix_stream_ends(session);
  for (int round = 0; round < 3; ++round) {
    std::thread writer([&] {
      const timespec pause{0, 1'000'000};
      real::nanosleep(&pause, nullptr);
      put(session, ends.writer, "x");
    });
    run([&] { EXPECT_EQ(take(session, ends.reader, 1), "x"); });
    writer.join();
    put(session, ends.writer, "y");
    EXPECT_EQ(take(session, ends.reader, 1), "y");
  }
}

TEST(Passthrough, DescriptorsBornBehindTheHooksBackAreLearnt) {
  run_in_session([](Session& session) {
    char byte;
    EXPECT_EQ(read(unknown_ends(session, SOCK_STREAM | SOCK_NONBLOCK).reader, &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    const int blocking = unknown_ends(session, SOCK_STREAM).reader;
    const timeval time{0, 3'000};
    ASSERT_EQ(real::setsockopt(blocking, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    EXPECT_EQ(read(blocking, &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
  });
}

// The hooks never change what other holders of a description see.
TEST(Passthrough, ReadsAndWritesLeaveTheDescriptionBlocking) {
  for (const Channel& channel : kChannels) {
    SCOPED_TRACE(channel.name);
    run_in_session([&](Session& session) {
      const Ends ends = channel.open(session);
      session.meanwhile([=, &session] {
        EXPECT_EQ(real::fcntl(ends.reader, F_GETFL) & O_NONBLOCK, 0);
        put(session, ends.writer, "x");
      });
      char byte;
      EXPECT_EQ(read(ends.reader, &byte, 1), 1);
      EXPECT_EQ(real::fcntl(ends.reader, F_GETFL) & O_NONBLOCK, 0);
      EXPECT_EQ(real::fcntl(ends.writer, F_GETFL) & O_NONBLOCK, 0);
    });
  }
}

}  // namespace
}  // namespace colibri::test
