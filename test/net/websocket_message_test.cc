// WebSocket: messages both ways, whole or in fragments, and who may send meanwhile.
#include "colibri/net/websocket.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "colibri/core/event.h"
#include "colibri/core/task.h"
#include "test/net/loopback.h"
#include "test/net/websocket_client.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::string_literals::operator""s;
using std::chrono::milliseconds;
using test::close_frame;
using test::echo_messages;
using test::error_of_call;
using test::Frame;
using test::frame;
using test::HttpClient;
using test::read_frame;
using test::run_in_scheduler;
using test::RunningWebSockets;
using test::shake_hands;
using test::text_frame;

TEST(WebSocket, MessagesOfAllLengthsComeBack) {
  run_in_scheduler([] {
    RunningWebSockets server(echo_messages);
    HttpClient client = server.connect();
    shake_hands(client);
    for (const std::size_t size : {0U, 1U, 125U, 126U, 1000U, 65'535U, 65'536U, 300'000U}) {
      const std::string data = test::test_text(size);
      auto sender = spawn([&] { client.send(frame(0x82, data)); });
      const Frame answer = read_frame(client);
      sender.join();
      EXPECT_EQ(answer.first_byte, 0x82U);
      EXPECT_EQ(answer.payload, data) << size;
    }
    client.send(text_frame("gr\xc3\xbc\xc3\x9f"));
    const Frame answer = read_frame(client);
    EXPECT_EQ(answer.first_byte, 0x81U);
    EXPECT_EQ(answer.payload, "gr\xc3\xbc\xc3\x9f");
    client.stream().close();
    server.stop();
  });
}

TEST(WebSocket, FragmentsAreOneMessageWithPingsBetweenThem) {
  run_in_scheduler([] {
    RunningWebSockets server(echo_messages);
    HttpClient client = server.connect();
    shake_hands(client);
    // A character lies across two of them.
    const std::string wire = frame(0x01, "a\xc3") + frame(0x89, "ping") + frame(0x00, "") +
                             frame(0x8a, "unasked") + frame(0x00, "\xa4") + frame(0x80, "z");
    for (const char c : wire) {
      client.send({&c, 1});
      yield();
    }
    const Frame pong = read_frame(client);
    EXPECT_EQ(pong.first_byte, 0x8aU);
    EXPECT_EQ(pong.payload, "ping");
    const Frame answer = read_frame(client);
    EXPECT_EQ(answer.first_byte, 0x81U);
    EXPECT_EQ(answer.payload, "a\xc3\xa4z");
    client.stream().close();
    server.stop();
  });
}

TEST(WebSocket, AnotherCoroutineSendsWhileOneReceives) {
  run_in_scheduler([] {
    constexpr int kMessages = 100;
    RunningWebSockets server([](WebSocket& socket) {
      auto news = spawn([&socket] {
        for (int i = 0; i < kMessages; ++i) {
          socket.send_text("news");
          yield();
        }
      });
      echo_messages(socket);
      news.join();
    });
    HttpClient client = server.connect();
    shake_hands(client);
    for (int i = 0; i < kMessages; ++i) client.send(text_frame("mine"));
    std::map<std::string, int> received;
    for (int i = 0; i < 2 * kMessages; ++i) ++received[read_frame(client).payload];
    EXPECT_EQ(received["news"], kMessages);
    EXPECT_EQ(received["mine"], kMessages);
    client.stream().close();
    server.stop();
  });
}

/// A handler that receives while another coroutine sends what its client does not read yet.
WebSocket::Handler while_sending(std::string& sent, std::function<void(WebSocket&)> receive) {
  return [&sent, receive = std::move(receive)](WebSocket& socket) {
    auto news = spawn([&] { socket.send_text(sent); });
    receive(socket);
    news.join();
  };
}

/// Waits for what would come only after the client has read, if it were wrong.
bool comes_in_time(const Event& event) {
  return event.wait_for(std::chrono::seconds(10));
}

TEST(WebSocket, ReceivingNeverWaitsForASend) {
  run_in_scheduler([] {
    std::string large(20'000'000, 'x');
    const Event received;
    RunningWebSockets server(while_sending(large, [&](WebSocket& socket) {
      EXPECT_EQ(socket.receive()->data, "mine");
      received.set();
    }));
    HttpClient client = server.connect();
    shake_hands(client);
    client.send(frame(0x89, "one") + frame(0x89, "two") + text_frame("mine"));
    EXPECT_TRUE(comes_in_time(received));
    EXPECT_EQ(read_frame(client).payload.size(), large.size());
    const Frame pong = read_frame(client);
    EXPECT_EQ(pong.first_byte, 0x8aU);
    EXPECT_EQ(pong.payload, "two") << "the last ping is answered when the message has left";
    EXPECT_EQ(read_frame(client).code(), 1000U);
    client.stream().close();
    server.stop();
  });
}

TEST(WebSocket, ATimeLimitEndsReceivingBesideASend) {
  run_in_scheduler([] {
    std::string large(20'000'000, 'x');
    // What the receiver would have to send itself: the answer to a close, and a ping.
    for (const std::string& wire : {close_frame(1000), ""s}) {
      const Event over;
      RunningWebSockets server(while_sending(large,
                                             [&](WebSocket& socket) {
                                               EXPECT_EQ(error_of_call([&] {
                                                           const TimeLimit limit(milliseconds(30));
                                                           socket.receive();
                                                         }),
                                                         ETIMEDOUT);
                                               over.set();
                                             }),
                               {.ping = milliseconds(5)});
      HttpClient client = server.connect();
      shake_hands(client);
      client.send(wire);
      EXPECT_TRUE(comes_in_time(over));
      EXPECT_EQ(read_frame(client).payload.size(), large.size());
      client.stream().close();
      server.stop();
    }
  });
}

TEST(WebSocket, ATimeLimitBetweenMessagesLosesNothing) {
  run_in_scheduler([] {
    const Event over;
    RunningWebSockets server([&](WebSocket& socket) {
      EXPECT_EQ(error_of_call([&] {
                  const TimeLimit limit(milliseconds(5));
                  socket.receive();
                }),
                ETIMEDOUT);
      over.set();
      EXPECT_EQ(socket.receive()->data, "late");
      // Half a message cannot be gone on with.
      EXPECT_EQ(error_of_call([&] {
                  const TimeLimit limit(milliseconds(5));
                  socket.receive();
                }),
                ETIMEDOUT);
      EXPECT_FALSE(socket.receive());
    });
    HttpClient client = server.connect();
    shake_hands(client);
    over.wait();
    client.send(text_frame("late") + frame(0x01, "half"));
    EXPECT_EQ(read_frame(client).code(), 1000U);
    client.stream().close();
    server.stop();
  });
}

}  // namespace
}  // namespace colibri
