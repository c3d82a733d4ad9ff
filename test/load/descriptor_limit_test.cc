// Out of descriptors, the server goes on for those it has, and loses nobody who waits.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "test/load/echo_server_process.h"
#include "test/load/raw_client.h"

namespace colibri::test {
namespace {

constexpr std::size_t kLimit = 32;
constexpr std::size_t kClients = 70;

/// How many numbers below kLimit the process has free. Those above stay open, though the limit
/// would not allow them any more.
std::size_t free_numbers(pid_t pid) {
  std::size_t used = 0;
  const auto directory = "/proc/" + std::to_string(pid) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (std::stoul(entry.path().filename()) < kLimit) ++used;
  }
  return kLimit - used;
}

/// Waits until exactly `number` of the clients have a reply.
bool await_replies(const std::vector<RawClient>& clients, std::size_t number) {
  return wait_until([&] {
    const auto served = std::count_if(clients.begin(), clients.end(),
                                      [](const RawClient& client) { return client.readable(); });
    return static_cast<std::size_t>(served) == number;
  });
}

TEST(DescriptorLimitTest, ConnectedClientsGoOnAndTheOthersAreServedOnceTheseLeave) {
  EchoServerProcess server;
  const rlimit limit{kLimit, kLimit};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
  const std::size_t room = free_numbers(server.pid());
  ASSERT_GT(room, 2u);
  ASSERT_LT(room, kClients);

  // The kernel connects all of them; the server can accept `room`.
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < kClients; ++i) clients.emplace_back(server.port());
  for (unsigned i = 0; i < kClients; ++i) clients[i].send_all(test_bytes(100, i));

  std::size_t waiting = kClients;
  unsigned first = 0;
  while (waiting != 0) {
    const std::size_t served = std::min(room, waiting);
    ASSERT_TRUE(await_replies(clients, served));
    // They are served in the order of their coming, and go on while others wait.
    for (unsigned i = 0; i < served; ++i) {
      EXPECT_EQ(clients[i].receive(100), test_bytes(100, first + i));
      for (unsigned message = 0; message < 20; ++message) {
        EXPECT_TRUE(clients[i].echoes(test_bytes(100, message)));
      }
    }
    EXPECT_TRUE(await_replies(clients, 0)) << "more are served than there are descriptors";
    clients.erase(clients.begin(), clients.begin() + static_cast<std::ptrdiff_t>(served));
    first += static_cast<unsigned>(served);
    waiting -= served;
  }
  EXPECT_TRUE(server.await_connections(0));
}

}  // namespace
}  // namespace colibri::test
