// As many connections as a process may have descriptors, each echoing.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "samples/echo_demo/process_usage.h"
#include "test/load/echo_server_process.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

// What the tester keeps for itself, with room to spare.
constexpr std::size_t kOtherDescriptors = 200;

std::size_t allowed_connections() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max > kOtherDescriptors ? limit.rlim_max - kOtherDescriptors : 1;
}

TEST(ManyConnectionsTest, EveryOneEchoesWithoutErrorOrMismatch) {
  const std::size_t connections = std::min(scaled(19'000, 2'000, 500), allowed_connections());
  EchoServerProcess server;
  const std::size_t memory_at_rest = echo_demo::resident_bytes_of(server.pid());

  LoadTester tester(server, connections, {"--duration", "5"});
  ASSERT_TRUE(server.await_connections(connections));
  std::size_t memory = 0;
  while (!tester.has_ended()) {
    memory = std::max(memory, echo_demo::resident_bytes_of(server.pid()));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const auto outcome = tester.await_end();

  // In a closed loop each connection begins with a message: none is unanswered, so each echoed.
  expect_flawless(outcome, connections);
  EXPECT_TRUE(server.await_connections(0));
  std::printf("%zu connections: %zu bytes of the server's memory each\n", connections,
              (memory - memory_at_rest) / connections);
}

}  // namespace
}  // namespace colibri::test
