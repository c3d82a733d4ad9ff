// WebSocket: how connections end, by either side, in order or not.
#include "colibri/net/websocket.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "colibri/core/event.h"
#include "test/net/loopback.h"
#include "test/net/websocket_client.h"
#include "test/support/captured_stderr.h"
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

/// What the server's handler saw at the end.
struct End {
  unsigned code = 0;
  std::string reason{};
};

TEST(WebSocket, TheClientsCloseIsAnsweredAndTold) {
  struct Case {
    std::string wire;
    unsigned answered;
    unsigned told;
    std::string reason;
  };
  const Case cases[] = {
      {close_frame(1000), 1000, 1000, ""},
      {close_frame(1001, "away \xc3\xa4"), 1001, 1001, "away \xc3\xa4"},
      {close_frame(4999), 4999, 4999, ""},
      {frame(0x88, ""), 1000, 1005, ""},
      {frame(0x01, "begun") + close_frame(1000), 1000, 1000, ""},
      {close_frame(1000) + text_frame("never read"), 1000, 1000, ""},
  };
  run_in_scheduler([&] {
    for (const Case& each : cases) {
      auto end = std::make_shared<End>();
      RunningWebSockets server([end](WebSocket& socket) {
        echo_messages(socket);
        EXPECT_FALSE(socket.receive()) << "and again";
        *end = {.code = socket.close_code(), .reason = socket.close_reason()};
      });
      HttpClient client = server.connect();
      shake_hands(client);
      client.send(each.wire);
      EXPECT_EQ(read_frame(client).code(), each.answered) << testing::PrintToString(each.wire);
      EXPECT_TRUE(client.is_at_end());
      client.stream().close();
      EXPECT_EQ(server.stop().tcp.completed, 1U);
      EXPECT_EQ(end->code, each.told);
      EXPECT_EQ(end->reason, each.reason);
    }
  });
}

TEST(WebSocket, BadFramesEndTheConnectionWithTheirCode) {
  struct Case {
    unsigned code;
    std::string wire;
  };
  const Case cases[] = {
      {1002, "\x81\x05hello"},                            // no mask
      {1002, frame(0xc1, "compressed")},                  // a reserved bit
      {1002, frame(0x83, "")},                            // an unknown kind
      {1002, frame(0x09, "")},                            // a ping in parts
      {1002, frame(0x89, std::string(126, 'x'))},         // a long ping
      {1002, frame(0x80, "goes on")},                     // nothing has begun
      {1002, frame(0x01, "a") + frame(0x81, "b")},        // within another
      {1002, frame(0x88, "x")},                           // half a code
      {1002, close_frame(1005)},                          // one that is never sent
      {1002, close_frame(999)},                           //
      {1007, text_frame("\xff")},                         // at once
      {1007, frame(0x01, "\xed") + frame(0x00, "\xa0")},  // a surrogate, before the end
      {1007, text_frame("a\xc3")},                        // half a character
      {1007, close_frame(1000, "\xff")},                  //
      {1009, frame(0x82, std::string(1001, 'x'))},        // in one
      {1009, frame(0x02, std::string(600, 'x')) + frame(0x80, std::string(401, 'x'))},
      {1009, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask"},  // only announced
  };
  run_in_scheduler([&] {
    const std::string log = test::stderr_of([&] {
      for (const Case& each : cases) {
        auto end = std::make_shared<End>();
        RunningWebSockets server(
            [end](WebSocket& socket) {
              echo_messages(socket);
              end->code = socket.close_code();
            },
            {.message_bytes = 1000});
        HttpClient client = server.connect();
        shake_hands(client);
        client.send(text_frame("good") + each.wire + text_frame("not read"));
        EXPECT_EQ(read_frame(client).payload, "good");
        EXPECT_EQ(read_frame(client).code(), each.code) << testing::PrintToString(each.wire);
        EXPECT_TRUE(client.is_at_end());
        client.stream().close();
        EXPECT_EQ(server.stop().tcp.completed, 1U);
        EXPECT_EQ(end->code, each.code);
      }
    });
    EXPECT_EQ(log, "");
  });
}

TEST(WebSocket, TheServersCloseWaitsForTheClients) {
  run_in_scheduler([] {
    auto received = std::make_shared<std::string>();
    RunningWebSockets server([received](WebSocket& socket) {
      EXPECT_THROW(socket.close(1006), std::invalid_argument);
      EXPECT_THROW(socket.close(1000, std::string(124, 'x')), std::invalid_argument);
      socket.close(4000, "enough");
      socket.close(1000, "no other");
      EXPECT_EQ(error_of_call([&] { socket.send_text("too late"); }), EPIPE);
      while (const auto message = socket.receive()) *received += message->data;
      EXPECT_EQ(socket.close_code(), 4001);
    });
    HttpClient client = server.connect();
    shake_hands(client);
    const Frame close = read_frame(client);
    EXPECT_EQ(close.code(), 4000U);
    EXPECT_EQ(close.payload.substr(2), "enough");
    client.send(text_frame("under way") + close_frame(4001));
    EXPECT_TRUE(client.is_at_end());
    client.stream().close();
    server.stop();
    EXPECT_EQ(*received, "under way");
  });
}

TEST(WebSocket, AHandlerThatReturnsOrThrowsClosesWithACode) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningWebSockets server([](WebSocket& socket) {
        if (socket.receive()->data == "throw") throw std::runtime_error("the handler's own words");
      });
      for (const bool throws : {false, true}) {
        HttpClient client = server.connect();
        shake_hands(client);
        client.send(text_frame(throws ? "throw" : "return"));
        EXPECT_EQ(read_frame(client).code(), throws ? 1011U : 1000U);
        client.send(close_frame(1000));
        EXPECT_TRUE(client.is_at_end());
      }
      const HttpServerCounters counters = server.stop();
      EXPECT_EQ(counters.tcp.completed, 1U);
      EXPECT_EQ(counters.tcp.failed, 1U);
    });
    EXPECT_NE(log.find("the handler's own words"), std::string::npos) << log;
  });
}

TEST(WebSocket, AnEndWithoutAWordIsTold) {
  run_in_scheduler([] {
    for (const std::string& last : {""s, text_frame("hello").substr(0, 3),
                                    text_frame("hello").substr(0, 8), frame(0x01, "begun")}) {
      auto end = std::make_shared<End>();
      RunningWebSockets server([end](WebSocket& socket) {
        echo_messages(socket);
        end->code = socket.close_code();
      });
      HttpClient client = server.connect();
      shake_hands(client);
      client.send(last);
      client.stream().shutdown_write();
      read_frame(client);
      EXPECT_TRUE(client.is_at_end());
      server.stop();
      EXPECT_EQ(end->code, 1006U);
    }
  });
}

/// All that comes before the end.
std::string read_rest(HttpClient& client) {
  std::string rest;
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = client.reader().read_some(buffer)) {
    rest.append(reinterpret_cast<const char*>(buffer.data()), size);
  }
  return rest;
}

TEST(WebSocket, AFrameThatWasCutIsFollowedByNothing) {
  run_in_scheduler([] {
    constexpr std::size_t kHeadBytes = 10;
    const std::string large(20'000'000, 'x');
    const Event is_cut;
    RunningWebSockets server([&](WebSocket& socket) {
      EXPECT_EQ(error_of_call([&] {
                  const TimeLimit limit(milliseconds(20));
                  socket.send_text(large);
                }),
                ETIMEDOUT);
      is_cut.set();
      EXPECT_EQ(error_of_call([&] { socket.send_text("more"); }), EPIPE);
      EXPECT_EQ(socket.receive()->data, "heard still") << "and the ping was not answered";
      socket.close();
    });
    HttpClient client = server.connect();
    shake_hands(client);
    client.send(frame(0x89, "ping") + text_frame("heard still"));
    is_cut.wait();
    const std::string rest = read_rest(client);
    EXPECT_GT(rest.size(), kHeadBytes);
    EXPECT_LT(rest.size(), large.size());
    EXPECT_EQ(rest.find_first_not_of('x', kHeadBytes), std::string::npos);
    client.stream().close();
    EXPECT_EQ(server.stop().tcp.completed, 1U);
  });
}

/// Answers as many pings; then how many have come, up to the closing frame.
int count_pings(HttpClient& client, int answers) {
  for (int pings = 0;; ++pings) {
    const Frame received = read_frame(client);
    if (received.first_byte != 0x89) {
      EXPECT_EQ(received.code(), 1011U);
      return pings;
    }
    if (pings < answers) client.send(frame(0x8a, ""));
  }
}

TEST(WebSocket, ASilentPeerIsPingedAndThenGivenUp) {
  run_in_scheduler([] {
    RunningWebSockets server(echo_messages, {.ping = milliseconds(30)});
    std::uint64_t attempts = 0;
    // On a slow machine, the answer to a ping may come too late.
    for (int pings = 0; pings != 3 && attempts != 100; ++attempts) {
      HttpClient client = server.connect();
      shake_hands(client);
      pings = count_pings(client, 2);
      EXPECT_GE(pings, 1);
      EXPECT_LE(pings, 3);
    }
    EXPECT_LT(attempts, 100U);
    EXPECT_EQ(server.stop().tcp.timed_out, attempts);
  });
}

}  // namespace
}  // namespace colibri
