// SIGINT and SIGTERM stop the sample servers, whatever they are doing: status 0, nothing abandoned.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <tuple>
#include <vector>

#include "colibri/core/sanitizer.h"
#include "test/load/echo_server_process.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using Command = std::vector<std::string>;

class StopSignalTest : public testing::TestWithParam<std::tuple<int, Command>> {
 protected:
  void SetUp() override {
    if (kThreadSanitizer) GTEST_SKIP() << "it keeps a signal for the fiber that ran when it came";
  }

  void expect_clean_stop(EchoServerProcess& server) {
    kill(server.pid(), std::get<int>(GetParam()));
    EXPECT_EQ(server.process().await_end(kHang), 0);
    EXPECT_EQ(server.process().take_output(), "");
  }
};

TEST_P(StopSignalTest, StopsAnIdleServer) {
  EchoServerProcess server(std::get<Command>(GetParam()));
  expect_clean_stop(server);
}

TEST_P(StopSignalTest, StopsAServerWhoseConnectionsAreSilent) {
  const std::size_t connections = scaled(1'000, 200, 100);
  EchoServerProcess server(std::get<Command>(GetParam()));
  LoadTester tester(server, 0, {"--idle", std::to_string(connections), "--duration", "600"});
  ASSERT_TRUE(server.await_connections(connections));
  expect_clean_stop(server);
}

TEST_P(StopSignalTest, StopsAServerUnderLoad) {
  const std::size_t connections = scaled(500, 100, 50);
  EchoServerProcess server(std::get<Command>(GetParam()));
  LoadTester tester(server, connections, {"--duration", "600", "--depth", "4"});
  ASSERT_TRUE(server.await_connections(connections));
  expect_clean_stop(server);
  EXPECT_EQ(tester.await_end().status, 1);  // the load tester has lost its server
}

std::string name_of(const testing::TestParamInfo<StopSignalTest::ParamType>& parameter) {
  const auto& [signal, command] = parameter.param;
  return (signal == SIGINT ? "SIGINT_" : "SIGTERM_") + command.front() +
         (command.size() > 1 ? "_threads" : "");
}

INSTANTIATE_TEST_SUITE_P(
    SignalsAndServers, StopSignalTest,
    testing::Combine(testing::Values(SIGINT, SIGTERM),
                     testing::Values(Command{"echo_server_posix"}, Command{"echo_server"},
                                     Command{"echo_server", "--threads", "2"})),
    &name_of);

}  // namespace
}  // namespace colibri::test
