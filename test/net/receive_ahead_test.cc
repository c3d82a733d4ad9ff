// Streams that receive ahead. Where the system has no io_uring, they do not, and everything else is
// the same.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "colibri/core/canceled.h"
#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/core/ring_engine.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/shared_stack_group.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/proxy_protocol.h"
#include "colibri/net/transfer.h"
#include "test/net/loopback.h"
#include "test/net/running_server.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::comes_true;
using test::error_of_call;
using test::read_all;
using test::read_text;
using test::TcpPair;
using test::test_text;

void run_on_ring(const std::function<void()>& body) {
  test::run_in_scheduler(body, {.engine = Engine::kIoUring});
}

bool has_ring() {
  return thread_state.event_loop->ring() != nullptr;
}

const RingCounts& counts() {
  return thread_state.event_loop->ring()->counts();
}

/// A connection whose server's end receives ahead, and has begun to.
TcpPair pair_that_receives() {
  TcpPair pair = test::tcp_pair();
  pair.server.set_receive_ahead(true);
  auto reader = spawn([&] { return read_text(pair.server, 1); });
  yield();
  pair.client.write_all("!");
  EXPECT_EQ(reader.join(), "!");
  return pair;
}

/// The kernel has put all into the engine's buffers that the other end has sent.
void let_it_receive() {
  sleep_for(milliseconds(2));
}

/// How many bytes nobody has taken out of the socket.
std::size_t left_in_socket(const TcpStream& stream) {
  std::array<std::byte, 64> room;
  const ssize_t size =
      real::recv(stream.descriptor(), room.data(), room.size(), MSG_DONTWAIT | MSG_PEEK);
  return size > 0 ? static_cast<std::size_t>(size) : 0;
}

TEST(ReceiveAhead, TakesBytesBeforeTheyAreAskedForAndKeepsThem) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("hello");
    let_it_receive();
    pair.client.write_all(" world");
    let_it_receive();
    if (has_ring()) {
      EXPECT_EQ(left_in_socket(pair.server), 0U);
      EXPECT_EQ(counts().received_ahead, 3U);
      EXPECT_EQ(counts().begun_ahead, 1U) << "one receive goes on by itself";
    }
    EXPECT_TRUE(pair.server.is_readable());
    EXPECT_EQ(read_text(pair.server, 3), "hel");
    EXPECT_EQ(read_text(pair.server, 8), "lo world");
    EXPECT_FALSE(pair.server.is_readable());
    std::array<std::byte, 10> room;
    EXPECT_FALSE(pair.server.try_read_some(room).has_value());
  });
}

TEST(ReceiveAhead, BytesOfSeveralPiecesGoIntoSeveralBuffers) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("abcd");
    let_it_receive();
    pair.client.write_all("efgh");
    let_it_receive();
    std::array<char, 3> first{};
    std::array<char, 10> second{};
    const std::array<iovec, 2> both{iovec{first.data(), 3}, iovec{second.data(), 10}};
    EXPECT_EQ(pair.server.read_some(both), 8U);
    EXPECT_EQ(std::string(first.data(), 3) + std::string(second.data(), 5), "abcdefgh");
  });
}

TEST(ReceiveAhead, TheEndComesBehindTheBytes) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("last words");
    pair.client.close();
    let_it_receive();
    EXPECT_EQ(read_all(pair.server), "last words");
    EXPECT_TRUE(pair.server.is_readable());
    EXPECT_EQ(read_all(pair.server), "") << "and stays there";
  });
}

TEST(ReceiveAhead, AnErrorComesBehindTheBytesAndOnce) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("last words");
    let_it_receive();
    pair.client.reset();
    let_it_receive();
    EXPECT_TRUE(pair.server.is_readable());
    if (has_ring()) {
      EXPECT_EQ(read_text(pair.server, 10), "last words");
    }
    EXPECT_EQ(error_of_call([&] { read_text(pair.server, 1); }), ECONNRESET);
    EXPECT_EQ(read_all(pair.server), "");
  });
}

TEST(ReceiveAhead, WaitsEndEarlyAndLoseNothing) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.server.set_timeouts({.idle = milliseconds(2)});
    EXPECT_EQ(error_of_call([&] { read_text(pair.server, 1); }), ETIMEDOUT);
    pair.server.set_timeouts({});
    auto reader = spawn([&] { return read_text(pair.server, 1); });
    yield();
    reader.cancel();
    EXPECT_THROW(reader.join(), Canceled);
    pair.client.write_all("x");
    EXPECT_EQ(read_text(pair.server, 1), "x");
    if (has_ring()) {
      EXPECT_EQ(counts().cancels, 0U) << "the receive goes on";
    }
  });
}

TEST(ReceiveAhead, WhoWaitsForReadinessIsWoken) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    for (int i = 0; i < 3; ++i) {
      auto waiter = spawn([&] { pair.server.wait_readable(); });
      yield();
      EXPECT_FALSE(waiter.done());
      pair.client.write_all("x");
      waiter.join();
      EXPECT_EQ(read_text(pair.server, 1), "x");
    }
  });
}

TEST(ReceiveAhead, ACloseWakesTheReaderAndEndsTheConnection) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    auto reader = spawn([&] { return error_of_call([&] { read_text(pair.server, 1); }); });
    sleep_for(milliseconds(1));
    pair.server.close();
    EXPECT_EQ(reader.join(), EBADF);
    EXPECT_EQ(read_all(pair.client), "") << "nothing of the engine's keeps the socket open";
  });
}

TEST(ReceiveAhead, ACloseBetweenTheBytesAndTheReadersTurn) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    int error = 0;
    auto closer = spawn([&] {
      pair.server.wait_readable();
      pair.server.close();
    });
    auto reader = spawn([&] { error = error_of_call([&] { read_text(pair.server, 2); }); });
    sleep_for(milliseconds(1));
    pair.client.write_all("x");
    closer.join();
    reader.join();
    EXPECT_EQ(error, EBADF);
  });
}

TEST(ReceiveAhead, AConnectionThatIsNotReadStopsReceiving) {
  run_on_ring([] {
    constexpr std::size_t kMuch = 8'000'000;
    const std::string text = test_text(kMuch);
    TcpPair pair = pair_that_receives();
    auto writer = spawn([&] {
      pair.client.write_all(text);
      pair.client.shutdown_write();
    });
    sleep_for(milliseconds(50));
    EXPECT_FALSE(writer.done()) << "the kernel's own bound is reached";
    if (has_ring()) {
      EXPECT_LT(counts().received_ahead, RingEngine::kAheadBuffers / 2);
      EXPECT_GT(left_in_socket(pair.server), 0U);
    }
    EXPECT_EQ(read_all(pair.server), text);
    writer.join();
  });
}

/// 64 that send much and are not read use up the buffers; others are served all the same.
void others_are_served(const SpawnOptions& options) {
  constexpr std::size_t kNeverRead = 64;
  constexpr std::size_t kMuch = 200'000;
  const std::string text = test_text(kMuch);
  std::vector<TcpPair> unread;
  for (std::size_t i = 0; i < kNeverRead; ++i) unread.push_back(pair_that_receives());
  std::vector<Task<void>> writers;
  for (TcpPair& each : unread) {
    writers.push_back(spawn([&] {
      each.client.write_all(text);
      each.client.shutdown_write();
    }));
  }
  sleep_for(milliseconds(20));
  std::size_t right = 0;
  std::vector<Task<void>> others;
  for (std::size_t i = 0; i < 20; ++i) {
    others.push_back(spawn(options, [&] {
      // In the heap: nobody finds it on another's stack.
      const auto pair = std::make_shared<TcpPair>(test::tcp_pair());
      pair->server.set_receive_ahead(true);
      auto echo = spawn(options, [pair] { test::echo(pair->server); });
      for (int round = 0; round < 20; ++round) right += test::echoes(pair->client, "hello") ? 1 : 0;
      pair->client.close();
      echo.join();
    }));
  }
  for (Task<void>& each : others) each.join();
  EXPECT_EQ(right, 400U);
  if (has_ring()) {
    EXPECT_GT(counts().without_buffer, 0U);
  }
  for (TcpPair& each : unread) EXPECT_EQ(read_all(each.server), text) << "nothing is lost";
  for (Task<void>& each : writers) each.join();
}

TEST(ReceiveAhead, SixtyFourThatAreNeverReadStarveNobody) {
  run_on_ring([] { others_are_served({}); });
}

TEST(ReceiveAhead, SixtyFourThatAreNeverReadStarveNobodyOnSharedStacks) {
  run_on_ring([] {
    SharedStackGroup group(2, 128 * 1024);
    others_are_served({.shared_stacks = &group});
  });
}

TEST(ReceiveAhead, StopsAndLeavesNothingBehind) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("before ");
    let_it_receive();
    pair.server.set_receive_ahead(false);
    pair.client.write_all("behind");
    let_it_receive();
    EXPECT_EQ(left_in_socket(pair.server), has_ring() ? 6U : 13U);
    EXPECT_EQ(read_text(pair.server, 13), "before behind");
    pair.server.set_receive_ahead(true);
    pair.client.write_all("again");
    EXPECT_EQ(read_text(pair.server, 5), "again");
  });
}

TEST(ReceiveAhead, AReaderGoesOnWhereItIsStopped) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    auto reader = spawn([&] { return read_text(pair.server, 1); });
    sleep_for(milliseconds(1));
    pair.server.set_receive_ahead(false);
    pair.client.write_all("x");
    EXPECT_EQ(reader.join(), "x");
  });
}

TEST(ReceiveAhead, WhatHasComeOutlivesTheEngine) {
  TcpStream server;
  TcpStream client;
  run(
      [&] {
        TcpPair pair = pair_that_receives();
        pair.client.write_all("hello");
        let_it_receive();
        server = std::move(pair.server);
        client = std::move(pair.client);
      },
      {.engine = Engine::kIoUring});
  EXPECT_EQ(read_text(server, 5), "hello");
  client.write_all("!");
  EXPECT_EQ(read_text(server, 1), "!");
}

TEST(ReceiveAhead, MovesToAnotherThreadWhenItIsStopped) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("hello");
    let_it_receive();
    pair.server.set_receive_ahead(false);
    std::string text;
    std::thread([&] { text = read_text(pair.server, 5); }).join();
    EXPECT_EQ(text, "hello");
  });
}

TEST(ReceiveAhead, ReleasesWithoutALoss) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("kept");
    let_it_receive();
    pair.server.set_receive_ahead(false);
    std::array<std::byte, 100> room;
    EXPECT_EQ(pair.server.peek_received(room), has_ring() ? 4U : 0U);
    std::size_t taken = 0;
    while (const std::size_t size = pair.server.take_received(std::span(room).subspan(taken))) {
      taken += size;
    }
    pair.client.write_all("rest");
    const int bare = pair.server.release();
    sleep_for(milliseconds(1));
    const ssize_t rest = real::read(bare, room.data() + taken, room.size() - taken);
    real::close(bare);
    EXPECT_EQ(std::string(reinterpret_cast<char*>(room.data()), taken + std::size_t(rest)),
              "keptrest");
  });
}

TEST(ReceiveAheadDeathTest, ARawDescriptorIsNotReleasedWhileBytesMayBeKept) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run(
                   [] {
                     if (!has_ring()) fail("receives ahead");  // nothing to refuse
                     TcpPair pair = pair_that_receives();
                     pair.server.release();
                   },
                   {.engine = Engine::kIoUring}),
               "receives ahead");
}

TEST(ReceiveAheadDeathTest, AnotherThreadMustNotCloseItUnlessItIsStopped) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run(
                   [] {
                     if (!has_ring()) fail("on another thread");  // nothing to refuse
                     TcpPair pair = pair_that_receives();
                     std::thread([&] { pair.server.close(); }).join();
                   },
                   {.engine = Engine::kIoUring}),
               "on another thread");
}

TEST(ReceiveAhead, CopyBeginsWithWhatHasCome) {
  run_on_ring([] {
    TcpPair from = pair_that_receives();
    TcpPair to = test::tcp_pair();
    from.client.write_all("first ");
    let_it_receive();
    from.client.write_all("second third");
    EXPECT_EQ(copy(from.server, to.client, 3), 3U);
    EXPECT_EQ(copy(from.server, to.client, 10), 10U);
    EXPECT_EQ(read_text(to.server, 13), "first second ");
    EXPECT_EQ(read_text(from.server, 5), "third");
  });
}

TEST(ReceiveAhead, AProxyHeaderMayHaveComeAlready) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("PROXY TCP4 192.0.2.1 ");
    let_it_receive();
    auto reading = spawn([&] { return read_proxy_header(pair.server); });
    yield();
    pair.client.write_all("198.51.100.2 4000 443\r\nGET");
    EXPECT_EQ(reading.join()->source->to_string(), "192.0.2.1:4000");
    EXPECT_EQ(read_text(pair.server, 3), "GET");
  });
}

TEST(ReceiveAhead, OptionsThatForbidItStopIt) {
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("abc");
    let_it_receive();
    pair.server.set_option(SOL_SOCKET, SO_RCVLOWAT, 4);
    pair.server.set_receive_ahead(true);
    pair.client.write_all("defg");
    EXPECT_EQ(read_text(pair.server, 7), "abcdefg");
    if (has_ring()) {
      EXPECT_EQ(counts().begun_ahead, 1U);
    }
  });
}

TEST(ReceiveAhead, TheChildOfAForkReadsWhatComesThere) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  run_on_ring([] {
    TcpPair pair = pair_that_receives();
    pair.client.write_all("p");
    let_it_receive();
    test::flush_before_fork();
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      // The parent's receive would be faster.
      TcpPair own = pair_that_receives();
      own.client.write_all("c");
      _exit(read_text(own.server, 1) == "c" ? 0 : 1);
    }
    EXPECT_EQ(test::exit_status_of(child), 0);
    EXPECT_EQ(read_text(pair.server, 1), "p") << "the parent keeps its own";
    pair.client.write_all("q");
    EXPECT_EQ(read_text(pair.server, 1), "q");
  });
}

TEST(ReceiveAhead, ServersDoItForTheirConnections) {
  run_on_ring([] {
    test::RunningServer server(test::echo, {.receive_ahead = true});
    std::vector<TcpStream> clients;
    for (int i = 0; i < 50; ++i) clients.push_back(server.connect());
    for (int round = 0; round < 5; ++round) {
      for (TcpStream& client : clients) EXPECT_TRUE(test::echoes(client, "hello"));
    }
    clients.clear();
    EXPECT_TRUE(comes_true([&] { return server->counters().active == 0; }));
    EXPECT_EQ(server.stop().completed, 50U);
    if (has_ring()) {
      EXPECT_GE(counts().received_ahead, 200U);
    }
  });
}

}  // namespace
}  // namespace colibri
