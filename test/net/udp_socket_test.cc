// Datagrams, one at a time and in batches.
#include "colibri/net/udp_socket.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/net/loopback.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::error_of_call;
using test::run_in_scheduler;
using test::test_text;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

TEST(UdpSocket, SendsAndReceives) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::bind("127.0.0.1:0");
    std::array<std::byte, 100> buffer;
    auto receiver = spawn([&] { return server.receive(buffer); });
    yield();
    client.send_to(bytes_of("hello"), server.address());
    const Datagram got = receiver.join();
    EXPECT_EQ(text_of(std::span(buffer).first(got.size)), "hello");
    EXPECT_EQ(got.from, client.address());
    EXPECT_FALSE(got.cut_off);
    server.send_to({}, got.from);
    EXPECT_EQ(client.receive(buffer).size, 0U) << "an empty one is one, too";
  });
}

TEST(UdpSocket, HearsNothingOfWhatItsPeersHaveTaken) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::connect(server.address());
    auto echo = spawn([&] {
      std::array<std::byte, 10> buffer;
      for (int i = 0; i < 3; ++i) {
        const Datagram datagram = server.receive(buffer);
        server.send_to(std::span(buffer).first(datagram.size), datagram.from);
      }
    });
    std::array<std::byte, 10> buffer;
    for (int i = 0; i < 3; ++i) {
      client.send(std::as_bytes(std::span("abc")));
      EXPECT_EQ(client.receive(buffer).size, 4U);
    }
    echo.join();
    client.send(std::as_bytes(std::span("abc")));
    DescriptorState* state = find_state(client.descriptor());
    ASSERT_NE(state, nullptr);
    state->write_drained = true;
    server.receive(buffer);
    sleep_for(milliseconds(1));
    EXPECT_TRUE(state->write_drained) << "no event has come";
  });
}

TEST(UdpSocket, TellsThatADatagramWasCutOff) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::connect(server.address());
    client.send(bytes_of("0123456789"));
    std::array<std::byte, 4> buffer;
    const Datagram got = server.receive(buffer);
    EXPECT_EQ(text_of(std::span(buffer).first(got.size)), "0123");
    EXPECT_TRUE(got.cut_off);
  });
}

TEST(UdpSocket, AShortReceiveProvesNothing) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::connect(server.address());
    std::array<std::byte, 100> buffer;
    std::string got;
    auto receiver = spawn([&] {
      while (got.size() < 6) {
        const std::size_t size = server.receive(buffer).size;
        got += text_of(std::span(buffer).first(size));
      }
    });
    yield();
    // All come with one event.
    for (const char* each : {"ab", "cd", "ef"}) client.send(bytes_of(each));
    receiver.join();
    EXPECT_EQ(got, "abcdef");
  });
}

TEST(UdpSocket, AConnectedOneHearsThatNobodyListens) {
  run_in_scheduler([] {
    UdpSocket gone = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::connect(gone.address());
    std::array<std::byte, 10> buffer;
    gone.close();
    client.send(bytes_of("x"));
    EXPECT_EQ(error_of_call([&] { client.receive(buffer); }), ECONNREFUSED);
    auto waiting = spawn([&] { return error_of_call([&] { client.receive(buffer); }); });
    yield();
    client.send(bytes_of("x"));
    EXPECT_EQ(waiting.join(), ECONNREFUSED);
  });
}

TEST(UdpSocket, EndsEarlyAsStreamsDo) {
  run_in_scheduler([] {
    UdpSocket socket = UdpSocket::bind("127.0.0.1:0");
    std::array<std::byte, 10> buffer;
    DatagramBatch batch(4, 10);
    EXPECT_EQ(error_of_call([&] {
                const TimeLimit limit(milliseconds(2));
                socket.receive(buffer);
              }),
              ETIMEDOUT);
    EXPECT_EQ(error_of_call([&] {
                const TimeLimit limit(milliseconds(2));
                socket.receive(batch);
              }),
              ETIMEDOUT);
    EXPECT_EQ(batch.size(), 0U);
    auto canceled = spawn([&] { socket.receive(buffer); });
    yield();
    canceled.cancel();
    EXPECT_THROW(canceled.join(), Canceled);
    auto closed = spawn([&] { return error_of_call([&] { socket.receive(buffer); }); });
    yield();
    socket.close();
    EXPECT_EQ(closed.join(), EBADF);
  });
}

TEST(UdpSocket, RefusesWhatCannotBe) {
  run_in_scheduler([] {
    UdpSocket socket = UdpSocket::bind("127.0.0.1:0");
    EXPECT_EQ(
        error_of_call([&] { socket.send_to(bytes_of(test_text(100'000)), socket.address()); }),
        EMSGSIZE);
    EXPECT_EQ(error_of_call([&] { UdpSocket::bind(socket.address()); }), EADDRINUSE);
    EXPECT_EQ(error_of_call([] { UdpSocket::bind("unix:/x"); }), EAFNOSUPPORT);
    const UdpSocket shared = UdpSocket::bind("127.0.0.1:0", true);
    UdpSocket::bind(shared.address(), true);
  });
}

// Batches ----------------------------------------------------------------------------------------

TEST(DatagramBatch, GoesAndComesWhole) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::bind("127.0.0.1:0");
    DatagramBatch out(50, 200);
    for (std::size_t i = 0; i < 50; ++i) {
      EXPECT_TRUE(out.put(bytes_of(test_text(i)), server.address()));
    }
    EXPECT_FALSE(out.put(bytes_of("one too many"), server.address()));
    DatagramBatch in(20, 200);
    auto receiver = spawn([&] {
      for (std::size_t i = 0; i < 50;) {
        server.receive(in);
        EXPECT_GT(in.size(), 0U);
        EXPECT_LE(in.size(), 20U);
        for (std::size_t j = 0; j < in.size(); ++j, ++i) {
          EXPECT_EQ(text_of(in.bytes(j)), test_text(i));
          EXPECT_EQ(in.address(j), client.address());
          EXPECT_FALSE(in.cut_off(j));
          EXPECT_EQ(in.segment_bytes(j), 0U);
        }
      }
    });
    yield();
    client.send(out);
    receiver.join();
  });
}

TEST(DatagramBatch, IsAnsweredInPlace) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    std::vector<UdpSocket> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(UdpSocket::connect(server.address()));
      clients.back().send(bytes_of("client " + std::to_string(i)));
    }
    DatagramBatch batch(32, 100);
    for (std::size_t answered = 0; answered < clients.size(); answered += batch.size()) {
      server.receive(batch);
      batch.bytes(0)[0] = std::byte{'C'};
      for (std::size_t i = 1; i < batch.size(); ++i) batch.resize(i, 6);
      server.send(batch);
    }
    std::multiset<std::string> answers;
    std::array<std::byte, 100> buffer;
    for (UdpSocket& client : clients) {
      answers.insert(text_of(std::span(buffer).first(client.receive(buffer).size)));
    }
    EXPECT_EQ(answers.count("client") + answers.count("Client 0"), 10U);
  });
}

TEST(DatagramBatch, IsAsGoodAsNewWhateverItHeldBefore) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::bind("127.0.0.1:0");
    DatagramBatch batch(8, 100);
    for (const std::size_t number : {8U, 1U, 3U, 0U, 8U, 2U, 5U}) {
      // What is left from here: places used and shortened.
      batch.clear();
      for (std::size_t i = 0; i < 8; ++i) batch.put(bytes_of("left"), server.address());
      batch.resize(7, 1);
      for (std::size_t i = 0; i < number; ++i) {
        client.send_to(bytes_of(test_text(90 - i)), server.address());
      }
      if (number == 0) continue;
      server.receive(batch);
      ASSERT_EQ(batch.size(), number);
      for (std::size_t i = 0; i < number; ++i) {
        EXPECT_EQ(text_of(batch.bytes(i)), test_text(90 - i));
        EXPECT_EQ(batch.address(i), client.address());
        batch.resize(i, 0);
      }
    }
  });
}

TEST(DatagramBatch, OneThatIsNotFullTakesTheNextOnesToo) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::connect(server.address());
    DatagramBatch batch(4, 10);
    std::size_t got = 0;
    std::size_t sent = 0;
    auto receiver = spawn([&] {
      for (; got < 200; got += batch.size()) server.receive(batch);
    });
    // Batches full and not, with the receiver parked, running and in between.
    for (std::size_t round = 0; sent < 200; ++round) {
      for (std::size_t i = 0; i < round % 6 && sent < 200; ++i, ++sent) client.send(bytes_of("x"));
      if (round % 3 != 0) yield();
    }
    receiver.join();
    EXPECT_EQ(got, 200U);
  });
}

TEST(DatagramBatch, HearsThatNobodyListensAndTakesWhatHadCome) {
  run_in_scheduler([] {
    UdpSocket peer = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::connect(peer.address());
    DatagramBatch batch(4, 10);
    peer.send_to(bytes_of("a"), client.address());
    client.receive(batch);
    EXPECT_EQ(batch.size(), 1U);
    peer.send_to(bytes_of("b"), client.address());
    peer.close();
    client.send(bytes_of("x"));
    // Which of the two comes first is the kernel's affair.
    std::size_t datagrams = 0;
    std::size_t errors = 0;
    while (datagrams + errors < 2) {
      const int error = error_of_call([&] { client.receive(batch); });
      if (error == ECONNREFUSED) {
        ++errors;
      } else {
        ASSERT_EQ(error, 0);
        datagrams += batch.size();
      }
    }
    EXPECT_EQ(datagrams, 1U);
    EXPECT_EQ(errors, 1U);
  });
}

TEST(DatagramBatch, TellsWhichWereCutOff) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::connect(server.address());
    for (const char* each : {"12345", "123456", "1"}) client.send(bytes_of(each));
    DatagramBatch batch(3, 5);
    server.receive(batch);
    ASSERT_EQ(batch.size(), 3U);
    EXPECT_FALSE(batch.cut_off(0));
    EXPECT_TRUE(batch.cut_off(1));
    EXPECT_FALSE(batch.cut_off(2));
    EXPECT_THROW(batch.resize(0, 6), std::invalid_argument);
    EXPECT_THROW(batch.put(bytes_of("123456"), client.address()), std::invalid_argument);
    EXPECT_THROW(batch.put({}, "unix:/x"), std::invalid_argument);
    batch.clear();
    EXPECT_TRUE(batch.empty());
  });
}

TEST(DatagramBatch, SayWhichOneCouldNotBeSent) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::bind("127.0.0.1:0");
    DatagramBatch batch(2, 100'000);
    batch.put(bytes_of("good"), server.address());
    batch.put(bytes_of(test_text(90'000)), server.address());
    EXPECT_EQ(error_of_call([&] { client.send(batch); }), EMSGSIZE);
    std::array<std::byte, 10> buffer;
    EXPECT_EQ(server.receive(buffer).size, 4U);
  });
}

TEST(DatagramBatch, OneIsSplitAndJoinedByTheKernel) {
  run_in_scheduler([] {
    UdpSocket server = UdpSocket::bind("127.0.0.1:0");
    UdpSocket client = UdpSocket::bind("127.0.0.1:0");
    const std::string text = test_text(4'500);
    DatagramBatch out(1, 10'000);
    out.put(bytes_of(text), server.address(), 1'000);
    const int error = error_of_call([&] { client.send(out); });
    if (error != 0) GTEST_SKIP() << "this kernel does not split datagrams: error " << error;
    std::array<std::byte, 10'000> buffer;
    for (const std::size_t size : {1'000U, 1'000U, 1'000U, 1'000U, 500U}) {
      EXPECT_EQ(server.receive(buffer).size, size);
    }
    if (!server.join_received(true)) GTEST_SKIP() << "this kernel does not join datagrams";
    client.send(out);
    std::string got;
    DatagramBatch in(10, 10'000);
    while (got.size() < text.size()) {
      server.receive(in);
      for (std::size_t i = 0; i < in.size(); ++i) {
        const std::size_t size = in.bytes(i).size();
        // Joined or not, as the kernel likes.
        EXPECT_EQ(in.segment_bytes(i), size > 1'000 ? 1'000U : 0U);
        got += text_of(in.bytes(i));
      }
    }
    EXPECT_EQ(got, text);
  });
}

}  // namespace
}  // namespace colibri
