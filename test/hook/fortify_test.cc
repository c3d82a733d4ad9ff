// Programs built with _FORTIFY_SOURCE park like all others, and are still protected.
#include <gtest/gtest.h>

#include "test/hook/fortified_calls.h"
#include "test/support/channels.h"
#include "test/support/run_in_session.h"

namespace colibri::test {
namespace {

/// Runs `call` in a coroutine while another one writes "hello" to the socket it gets.
void expect_waiting(const std::function<void(int socket)>& call) {
  run_in_session([&](Session& session) {
    const Ends ends = tcp_ends(session);
    session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
    call(ends.reader);
    session.finish_helpers();
  });
}

TEST(Fortify, ReadWaits) {
  expect_waiting([](int socket) { EXPECT_EQ(fortified_read(socket, 16), "hello"); });
}

TEST(Fortify, RecvWaits) {
  expect_waiting([](int socket) { EXPECT_EQ(fortified_recv(socket, 16), "hello"); });
}

TEST(Fortify, RecvfromWaits) {
  expect_waiting([](int socket) { EXPECT_EQ(fortified_recvfrom(socket, 16), "hello"); });
}

TEST(Fortify, PollWaits) {
  expect_waiting([](int socket) { EXPECT_EQ(fortified_poll(socket, 2), 2); });
}

TEST(Fortify, PpollWaits) {
  expect_waiting([](int socket) { EXPECT_EQ(fortified_ppoll(socket, 2), 2); });
}

TEST(FortifyDeathTest, OverflowsStillEndTheProcess) {
  if (!kFortified) GTEST_SKIP() << "this compiler calls the plain names";
  EXPECT_DEATH(fortified_read(0, 17), "buffer overflow");
  EXPECT_DEATH(fortified_recv(0, 17), "buffer overflow");
  EXPECT_DEATH(fortified_recvfrom(0, 17), "buffer overflow");
  EXPECT_DEATH(fortified_poll(0, 3), "buffer overflow");
  EXPECT_DEATH(fortified_ppoll(0, 3), "buffer overflow");
}

}  // namespace
}  // namespace colibri::test
