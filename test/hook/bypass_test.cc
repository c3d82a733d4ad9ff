// HookBypass: calls block the thread, and nobody else runs.
#include <gtest/gtest.h>

#include <thread>

#include "colibri/hook/hook.h"
#include "test/support/bystander.h"
#include "test/support/channels.h"
#include "test/support/run_in_session.h"

namespace colibri::test {
namespace {

void put_from_a_thread(Session& session, int descriptor, std::thread& thread) {
  thread = std::thread([&session, descriptor] {
    const timespec pause{0, 3'000'000};
    real::nanosleep(&pause, nullptr);
    EXPECT_EQ(session.libc.write(descriptor, "x", 1), 1);
  });
}

TEST(Bypass, BlocksTheThread) {
  run_in_session([](Session& session) {
    const Ends ends = pipe_ends(session);
    const Bystander bystander;
    std::thread writer;
    put_from_a_thread(session, ends.writer, writer);
    const int before = bystander.turns();
    char byte;
    {
      const HookBypass bypass;
      EXPECT_EQ(read(ends.reader, &byte, 1), 1);
      usleep(1'000);
      pollfd query{ends.reader, POLLIN, 0};
      EXPECT_EQ(poll(&query, 1, 1), 0);
    }
    EXPECT_EQ(bystander.turns(), before) << "another coroutine ran meanwhile";
    usleep(1'000);
    EXPECT_GT(bystander.turns(), before);
    writer.join();
  });
}

TEST(Bypass, NestsAndConcernsOneCoroutineOnly) {
  run_in_scheduler([] {
    const Bystander bystander;
    const HookBypass outer;
    { const HookBypass inner; }
    const int before = bystander.turns();
    usleep(1'000);
    EXPECT_EQ(bystander.turns(), before);
    auto other = spawn([&] {
      const int at_start = bystander.turns();
      usleep(1'000);
      EXPECT_GT(bystander.turns(), at_start);
    });
    other.join();
  });
}

TEST(Bypass, HasNoEffectOutsideCoroutines) {
  const HookBypass bypass;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(write(ends[1], "x", 1), 1);
  close(ends[0]);
  close(ends[1]);
}

// A connection for which the listener has to wait: it was made non-blocking by a coroutine.
TEST(Bypass, AcceptStillWaits) {
  run_in_session([](Session& session) {
    const int listening = listener(session);
    session.meanwhile([=, &session] { connected_to(session, listening); });
    session.own(accept(listening, nullptr, nullptr));
    session.finish_helpers();
    std::thread client([&] {
      const timespec pause{0, 3'000'000};
      real::nanosleep(&pause, nullptr);
      connected_to(session, listening);
    });
    const HookBypass bypass;
    const int socket = accept(listening, nullptr, nullptr);
    EXPECT_GE(socket, 0);
    if (socket >= 0) session.own(socket);
    client.join();
  });
}

}  // namespace
}  // namespace colibri::test
