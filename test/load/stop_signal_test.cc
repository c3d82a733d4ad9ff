// SIGINT and SIGTERM stop the sample server, whatever it is doing: status 0, nothing abandoned.
#include <gtest/gtest.h>
#include <signal.h>

#include "colibri/core/sanitizer.h"
#include "test/load/echo_server_process.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

class StopSignalTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (kThreadSanitizer) GTEST_SKIP() << "it keeps a signal for the fiber that ran when it came";
  }

  void expect_clean_stop(EchoServerProcess& server) {
    kill(server.pid(), GetParam());
    EXPECT_EQ(server.process().await_end(kHang), 0);
    EXPECT_EQ(server.process().take_output(), "");
  }
};

TEST_P(StopSignalTest, StopsAnIdleServer) {
  EchoServerProcess server;
  expect_clean_stop(server);
}

TEST_P(StopSignalTest, StopsAServerWhoseConnectionsAreSilent) {
  const std::size_t connections = scaled(1'000, 200, 100);
  EchoServerProcess server;
  LoadTester tester(server, 0, {"--idle", std::to_string(connections), "--duration", "600"});
  ASSERT_TRUE(server.await_connections(connections));
  expect_clean_stop(server);
}

TEST_P(StopSignalTest, StopsAServerUnderLoad) {
  const std::size_t connections = scaled(500, 100, 50);
  EchoServerProcess server;
  LoadTester tester(server, connections, {"--duration", "600", "--depth", "4"});
  ASSERT_TRUE(server.await_connections(connections));
  expect_clean_stop(server);
  EXPECT_EQ(tester.await_end().status, 1);  // the load tester has lost its server
}

INSTANTIATE_TEST_SUITE_P(Signals, StopSignalTest, testing::Values(SIGINT, SIGTERM),
                         [](const auto& parameter) {
                           return std::string(parameter.param == SIGINT ? "SIGINT" : "SIGTERM");
                         });

}  // namespace
}  // namespace colibri::test
