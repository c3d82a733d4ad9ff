// One side is killed in the middle: the other notices, cleans up and goes on or ends.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "test/load/echo_server_process.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

const std::vector<std::string> kForLong = {"--duration", "600"};

/// Some time for messages to flow. Nothing depends on how many do.
void let_messages_flow() {
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
}

TEST(KilledPeerTest, ServerForgetsAKilledTesterAndServesTheOthers) {
  const std::size_t many = scaled(1'000, 200, 100);
  EchoServerProcess server;
  LoadTester survivor(server, 10, kForLong);
  LoadTester victim(server, many, {"--duration", "600", "--depth", "8"});
  ASSERT_TRUE(server.await_connections(10 + many));
  let_messages_flow();

  kill(victim.pid(), SIGKILL);
  EXPECT_TRUE(server.await_connections(10)) << "connections of the killed tester were not closed";
  let_messages_flow();
  kill(survivor.pid(), SIGINT);
  expect_flawless(survivor.await_end(), 10);
  EXPECT_TRUE(server.await_connections(0));

  LoadTester newcomer(server, 20, {"--duration", "0.2"});
  expect_flawless(newcomer.await_end(), 20);
}

TEST(KilledPeerTest, TesterEndsWithASentenceWhenTheServerIsKilled) {
  const std::size_t connections = 100;
  EchoServerProcess server;
  LoadTester tester(server, connections, kForLong);
  ASSERT_TRUE(server.await_connections(connections));
  let_messages_flow();

  kill(server.pid(), SIGKILL);
  const auto outcome = tester.await_end();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(outcome.complaint.starts_with("load_test: connection ")) << outcome.complaint;
  ASSERT_FALSE(outcome.report.is_null());
  EXPECT_EQ(outcome.report["good"], false);
  EXPECT_EQ(outcome.report["connections"]["lost"], connections);
  EXPECT_EQ(outcome.report["errors"]["reset"].get<std::size_t>() +
                outcome.report["errors"]["closed"].get<std::size_t>(),
            connections);
}

}  // namespace
}  // namespace colibri::test
