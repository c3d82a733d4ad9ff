// Net in a program that has the hooks, too: each does its own, and they meet only in core.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "colibri/core/deadline.h"
#include "colibri/core/libc.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/tcp_server.h"
#include "colibri/net/unix_stream.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using namespace std::chrono_literals;

void echo(TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    stream.write_all(std::span(buffer).first(size));
  }
}

/// A client in textbook sockets, whose calls park since they are hooked.
void be_a_client(const Address& address, int number) {
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(client, address.data(), address.size()), 0);
  const std::string text = "client " + std::to_string(number);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(write(client, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    char reply[100];
    const ssize_t size = read(client, reply, sizeof reply);
    ASSERT_GT(size, 0);
    EXPECT_EQ(std::string(reply, static_cast<std::size_t>(size)), text);
  }
  close(client);
}

TEST(BesideHooks, HookedClientsTalkToAServerOfNet) {
  test::run_in_scheduler([] {
    TcpServer server("127.0.0.1:0", echo);
    const Address address = server.address();
    auto run = spawn([&] { server.run(); });
    std::vector<Task<void>> clients;
    for (int i = 0; i < 50; ++i) clients.push_back(spawn([=] { be_a_client(address, i); }));
    for (Task<void>& each : clients) each.join();
    server.stop();
    run.join();
    EXPECT_EQ(server.counters().completed, 50U);
  });
}

TEST(BesideHooks, ADescriptorIsHandedOverBothWays) {
  test::run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    const int raw = socket(AF_INET, SOCK_STREAM, 0);
    const Address address = listener.address();
    ASSERT_EQ(connect(raw, address.data(), address.size()), 0);
    TcpStream client = TcpStream::adopt(raw);
    const int server = listener.accept().release();
    auto reader = spawn([&] {
      char byte = 0;
      // Non-blocking, as net left it: hooks then do as the program has asked, and do not wait.
      while (read(server, &byte, 1) != 1) yield();
      return byte;
    });
    yield();
    client.write_all("x");
    EXPECT_EQ(reader.join(), 'x');
    close(server);
    std::array<std::byte, 1> end;
    EXPECT_EQ(client.read_some(end), 0U);
  });
}

TEST(BesideHooks, WhatWasToldOfADescriptorEndsWithIt) {
  test::run_in_scheduler([] {
    int first[2];
    ASSERT_EQ(real::socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
    char byte = 0;
    {
      const UnixStream stream = UnixStream::adopt(first[0]);
      EXPECT_EQ(read(first[0], &byte, 1), -1);
      ASSERT_EQ(fcntl(first[0], F_SETFL, 0), 0);  // the hooks believe: it blocks
    }
    int second[2];
    ASSERT_EQ(real::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, second), 0);
    ASSERT_EQ(second[0], first[0]);
    const TimeLimit limit(10s);
    EXPECT_EQ(read(second[0], &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    for (const int each : {first[1], second[0], second[1]}) close(each);
  });
}

}  // namespace
}  // namespace colibri
