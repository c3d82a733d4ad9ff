// Clients that reset, half-close, stall or vanish: their own connection ends as it must, nothing
// leaks, and nobody else notices.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "test/load/echo_in_process.h"
#include "test/load/raw_client.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

constexpr std::size_t kMany = 300;
constexpr std::size_t kExchanges = 200;

std::vector<RawClient> connect_many(int port, std::size_t number, bool small_buffers = false) {
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < number; ++i) clients.emplace_back(port, small_buffers);
  return clients;
}

/// Sends until neither side takes any more: the server waits in write. Returns the bytes sent.
std::size_t send_until_stuck(const RawClient& client, const std::string& bytes) {
  std::size_t sent = 0;
  for (int tries = 0; tries < 20 && sent < bytes.size(); ++tries) {
    while (const std::size_t size =
               client.send_without_waiting(std::string_view(bytes).substr(sent))) {
      sent += size;
      tries = 0;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return sent;
}

TEST(RoughClientsTest, ConnectionsThatSayNothing) {
  serve_echo_to([](int port) { connect_many(port, scaled(kMany, 100, 50)); });
}

TEST(RoughClientsTest, ResetsWhileTheServerReads) {
  serve_echo_to([](int port) {
    const Bystander bystander(port);
    auto clients = connect_many(port, scaled(kMany, 100, 50));
    for (std::size_t i = 0; i < clients.size(); ++i) {
      // By turns: before the first message, with the reply unread, and after a whole exchange.
      if (i % 3 == 1) clients[i].send_all("unread");
      if (i % 3 == 2) {
        EXPECT_TRUE(clients[i].echoes("read"));
      }
      clients[i].reset();
    }
    EXPECT_TRUE(bystander.exchanges(kExchanges));
  });
}

TEST(RoughClientsTest, ResetsWhileTheServerWrites) {
  serve_echo_to([](int port) {
    const Bystander bystander(port);
    const std::string bytes = test_bytes(10'000'000, 1);
    auto clients = connect_many(port, 5, true);
    for (RawClient& client : clients) {
      EXPECT_LT(send_until_stuck(client, bytes), bytes.size());
    }
    EXPECT_TRUE(bystander.exchanges(kExchanges));
    for (RawClient& client : clients) client.reset();
    EXPECT_TRUE(bystander.exchanges(kExchanges));
  });
}

TEST(RoughClientsTest, HalfClosedConnectionsGetAllTheirReplies) {
  serve_echo_to([](int port) {
    const Bystander bystander(port);
    const auto clients = connect_many(port, scaled(100, 30, 10));
    for (unsigned i = 0; i < clients.size(); ++i) {
      clients[i].send_all(test_bytes(20'000, i));
      clients[i].shut_down_sending();
    }
    for (unsigned i = 0; i < clients.size(); ++i) {
      EXPECT_TRUE(clients[i].receive_all() == test_bytes(20'000, i)) << "client " << i;
    }
    EXPECT_TRUE(bystander.exchanges(kExchanges));
  });
}

TEST(RoughClientsTest, AHalfCloseBeforeTheFirstByteEndsTheConnection) {
  serve_echo_to([](int port) {
    const auto clients = connect_many(port, 20);
    for (const RawClient& client : clients) client.shut_down_sending();
    for (const RawClient& client : clients) EXPECT_EQ(client.receive_all(), "");
  });
}

TEST(RoughClientsTest, AStalledReaderOfALargeReplyHoldsUpNobodyAndGetsItInTheEnd) {
  serve_echo_to([](int port) {
    const Bystander bystander(port);
    const std::size_t size = scaled(10'000'000, 10'000'000, 3'000'000);
    const auto clients = connect_many(port, 3, true);
    std::vector<std::thread> senders;
    std::vector<std::string> requests;
    std::vector<std::size_t> sent;
    for (unsigned i = 0; i < clients.size(); ++i) {
      requests.push_back(test_bytes(size, i));
      sent.push_back(send_until_stuck(clients[i], requests[i]));
      EXPECT_LT(sent[i], size) << "the reader was to stall";
    }
    EXPECT_TRUE(bystander.exchanges(kExchanges));  // while three connections are stuck
    for (unsigned i = 0; i < clients.size(); ++i) {
      senders.emplace_back([&, i] {
        clients[i].send_all(requests[i].substr(sent[i]));
        clients[i].shut_down_sending();
      });
    }
    for (unsigned i = 0; i < clients.size(); ++i) {
      EXPECT_TRUE(clients[i].receive_all() == requests[i]) << "client " << i;
    }
    for (std::thread& sender : senders) sender.join();
  });
}

}  // namespace
}  // namespace colibri::test
