// WebSocket: the handshake, messages both ways, and how connections end.
#include "colibri/net/websocket.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <vector>

#include "colibri/core/event.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/http_server.h"
#include "test/net/http_client.h"
#include "test/net/loopback.h"
#include "test/net/running_http_server.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;
using test::comes_true;
using test::HttpAnswer;
using test::HttpClient;
using test::run_in_scheduler;

// The key and its answer are those of RFC 6455, section 1.3.
const std::string kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string kAnswer = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const std::string kUpgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
const std::string kVersion = "Sec-WebSocket-Version: 13\r\n";

std::string request(const std::string& fields, const std::string& first = "GET / HTTP/1.1") {
  return first + "\r\nHost: x\r\n" + fields + "\r\n";
}

/// As a client sends it. The mask changes, and is not all the same.
std::string frame(unsigned first_byte, std::string payload) {
  static unsigned mask = 0x01020304;
  mask = mask * 1664525 + 1013904223;
  std::string text{static_cast<char>(first_byte)};
  if (payload.size() < 126) {
    text += static_cast<char>(0x80 | payload.size());
  } else {
    const bool is_long = payload.size() > 0xffff;
    text += static_cast<char>(0x80 | (is_long ? 127 : 126));
    for (int byte = is_long ? 7 : 1; byte >= 0; --byte) {
      text += static_cast<char>(payload.size() >> (8 * byte));
    }
  }
  for (int byte = 0; byte < 4; ++byte) text += static_cast<char>(mask >> (8 * byte));
  for (std::size_t i = 0; i != payload.size(); ++i) {
    payload[i] = static_cast<char>(payload[i] ^ static_cast<char>(mask >> (8 * (i % 4))));
  }
  return text + payload;
}

std::string text_frame(const std::string& text) {
  return frame(0x81, text);
}
std::string close_frame(unsigned code, const std::string& reason = "") {
  return frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + reason);
}

/// What a server has sent.
struct Frame {
  unsigned first_byte = 0;  // 0: the stream has ended
  std::string payload{};

  /// Of a closing frame.
  unsigned code() const {
    if (first_byte != 0x88 || payload.size() < 2) return 0;
    return static_cast<unsigned>(static_cast<std::uint8_t>(payload[0])) << 8 |
           static_cast<std::uint8_t>(payload[1]);
  }
};

std::string read_bytes(HttpClient& client, std::size_t size) {
  std::string bytes(size, '\0');
  const bool is_there = client.reader().read_exactly(std::as_writable_bytes(std::span(bytes)));
  return is_there || size == 0 ? bytes : "";
}

Frame read_frame(HttpClient& client) {
  const std::string head = read_bytes(client, 2);
  if (head.empty()) return {};
  std::size_t size = static_cast<std::uint8_t>(head[1]);
  EXPECT_LT(size, 128U) << "a server masks nothing";
  if (size >= 126) {
    const std::string length = read_bytes(client, size == 126 ? 2 : 8);
    size = 0;
    for (const char c : length) size = size << 8 | static_cast<std::uint8_t>(c);
  }
  return {.first_byte = static_cast<std::uint8_t>(head[0]), .payload = read_bytes(client, size)};
}

void echo(WebSocket& socket) {
  while (const auto message = socket.receive()) {
    if (message->is_text) {
      socket.send_text(message->data);
    } else {
      socket.send_binary(std::as_bytes(std::span(message->data)));
    }
  }
}

/// Every request is for a WebSocket.
class RunningWebSockets : public test::RunningHttpServer {
 public:
  explicit RunningWebSockets(WebSocket::Handler handler, const WebSocketOptions& options = {})
      : RunningHttpServer([handler = std::move(handler), options](HttpExchange& exchange) {
          WebSocket::serve(exchange, handler, options);
        }) {}
};

void shake_hands(HttpClient& client) {
  EXPECT_EQ(client.ask(request(kUpgrade + kVersion + kKey)).status, 101);
}

// The handshake ----------------------------------------------------------------------------------

TEST(WebSocket, TheHandshakeIsThatOfTheStandard) {
  run_in_scheduler([] {
    RunningWebSockets server(echo);
    HttpClient client = server.connect();
    // The first message comes with the request.
    const HttpAnswer answer = client.ask(request(kUpgrade + kVersion + kKey) + text_frame("early"));
    EXPECT_EQ(answer.status, 101);
    EXPECT_EQ(answer.field("Upgrade"), "websocket");
    EXPECT_EQ(answer.field("Connection"), "Upgrade");
    EXPECT_EQ(answer.field("Sec-WebSocket-Accept"), kAnswer);
    EXPECT_EQ(answer.fields.count("Content-Length"), 0U);
    EXPECT_EQ(answer.fields.count("Transfer-Encoding"), 0U);
    EXPECT_EQ(read_frame(client).payload, "early");
    client.stream().close();
    server.stop();
  });
}

TEST(WebSocket, WhatIsNoHandshakeIsAnsweredAndTheConnectionStays) {
  struct Case {
    int status;
    std::string text;
  };
  const std::string body = "Content-Length: 5\r\n";
  const Case cases[] = {
      {426, request("")},
      {426, request(kVersion + kKey + "Connection: Upgrade\r\n")},
      {426, request(kUpgrade + kKey)},
      {426, request(kUpgrade + kKey + "Sec-WebSocket-Version: 8\r\n")},
      {405, request(kUpgrade + kVersion + kKey, "POST / HTTP/1.1")},
      {400, request(kVersion + kKey + "Upgrade: websocket\r\n")},
      {400, request(kUpgrade + kVersion)},
      {400, request(kUpgrade + kVersion + kKey + kKey)},
      {400, request(kUpgrade + kVersion + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n")},
      {400, request(kUpgrade + kVersion + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n")},
      {400, request(kUpgrade + kVersion + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n")},
      {400, request(kUpgrade + kVersion + kKey + body) + "hello"},
  };
  run_in_scheduler([&] {
    RunningWebSockets server(echo);
    HttpClient client = server.connect();
    for (const Case& each : cases) {
      const HttpAnswer answer = client.ask(each.text);
      EXPECT_EQ(answer.status, each.status) << each.text;
      EXPECT_EQ(answer.field("Sec-WebSocket-Version"), each.status == 426 ? "13" : "") << each.text;
    }
    EXPECT_EQ(client.ask(request(kUpgrade + kVersion + kKey)).status, 101);
    client.stream().close();
    server.stop();
  });
}

// Messages ---------------------------------------------------------------------------------------

TEST(WebSocket, MessagesOfAllLengthsComeBack) {
  run_in_scheduler([] {
    RunningWebSockets server(echo);
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
    RunningWebSockets server(echo);
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
      echo(socket);
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

// The end ----------------------------------------------------------------------------------------

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
        echo(socket);
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
              echo(socket);
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
      EXPECT_EQ(test::error_of_call([&] { socket.send_text("too late"); }), EPIPE);
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
        echo(socket);
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
      EXPECT_EQ(test::error_of_call([&] {
                  const TimeLimit limit(milliseconds(20));
                  socket.send_text(large);
                }),
                ETIMEDOUT);
      is_cut.set();
      EXPECT_EQ(test::error_of_call([&] { socket.send_text("more"); }), EPIPE);
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

// A receiver beside a send that waits ----------------------------------------------------------

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
                                               EXPECT_EQ(test::error_of_call([&] {
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
    RunningWebSockets server(echo, {.ping = milliseconds(30)});
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

TEST(WebSocket, TheServersStopIsToldToThoseThatWaitForAMessage) {
  run_in_scheduler([] {
    auto codes = std::make_shared<std::vector<unsigned>>();
    RunningWebSockets server([codes](WebSocket& socket) {
      echo(socket);
      codes->push_back(socket.close_code());
    });
    HttpClient silent = server.connect();
    shake_hands(silent);
    HttpClient busy = server.connect();
    shake_hands(busy);
    busy.send(text_frame("echo") + frame(0x01, "half"));
    EXPECT_EQ(read_frame(busy).payload, "echo");
    server->stop();
    EXPECT_EQ(read_frame(silent).code(), 1001U);
    EXPECT_TRUE(silent.is_at_end()) << "it does not agree, and is let go";
    busy.send(frame(0x80, " and half"));
    EXPECT_EQ(read_frame(busy).payload, "half and half") << "a message is not cut off";
    EXPECT_EQ(read_frame(busy).code(), 1001U);
    busy.send(close_frame(1001));
    EXPECT_TRUE(busy.is_at_end());
    silent.stream().close();
    busy.stream().close();
    const HttpServerCounters counters = server.stop();
    EXPECT_EQ(counters.tcp.canceled, 0U);
    EXPECT_EQ(counters.tcp.completed, 2U);
    EXPECT_EQ(*codes, (std::vector<unsigned>{1001, 1001}));
  });
}

TEST(WebSocket, AStopWaitsForThePeersClosingFrame) {
  run_in_scheduler([] {
    auto code = std::make_shared<unsigned>(0);
    RunningWebSockets server([code](WebSocket& socket) {
      echo(socket);
      *code = socket.close_code();
    });
    HttpClient client = server.connect();
    shake_hands(client);
    server->stop();
    EXPECT_EQ(read_frame(client).code(), 1001U);
    client.send(frame(0x01, "under way when it was told") + frame(0x89, "ping"));
    EXPECT_TRUE(comes_true([&] { return *code == 1001; }));
    sleep_for(milliseconds(5));
    EXPECT_FALSE(client.stream().is_readable()) << "the connection has not ended";
    client.send(frame(0x80, "") + close_frame(1001));
    EXPECT_TRUE(client.is_at_end());
    client.stream().close();
    EXPECT_EQ(server.stop().tcp.completed, 1U);
  });
}

TEST(WebSocket, AMessageThatHasBegunWhenTheServerStopsIsReceived) {
  run_in_scheduler([] {
    RunningWebSockets server(echo);
    HttpClient client = server.connect();
    shake_hands(client);
    sleep_for(milliseconds(1));  // it waits for a message now
    const std::string message = text_frame("whole");
    // The server does not get to run in between.
    client.send(message.substr(0, 1));
    server->stop();
    sleep_for(milliseconds(1));
    client.send(message.substr(1));
    EXPECT_EQ(read_frame(client).payload, "whole");
    EXPECT_EQ(read_frame(client).code(), 1001U);
    client.send(close_frame(1001));
    EXPECT_TRUE(client.is_at_end());
    server.stop();
  });
}

TEST(WebSocket, AStopIsToldToAPeerThatNeverStopsSending) {
  run_in_scheduler([] {
    RunningWebSockets server(echo);
    HttpClient client = server.connect();
    shake_hands(client);
    const Event told;
    auto sender = spawn([&] {
      while (!told.is_set()) {
        client.send(text_frame("again"));
        yield();
      }
      client.send(close_frame(1001));
    });
    EXPECT_EQ(read_frame(client).payload, "again");
    server->stop();
    Frame last = read_frame(client);
    while (last.payload == "again") last = read_frame(client);
    EXPECT_EQ(last.code(), 1001U);
    told.set();
    sender.join();
    EXPECT_TRUE(client.is_at_end());
    EXPECT_EQ(server.stop().tcp.completed, 1U);
  });
}

TEST(WebSocket, ATimeLimitBetweenMessagesLosesNothing) {
  run_in_scheduler([] {
    const Event over;
    RunningWebSockets server([&](WebSocket& socket) {
      EXPECT_EQ(test::error_of_call([&] {
                  const TimeLimit limit(milliseconds(5));
                  socket.receive();
                }),
                ETIMEDOUT);
      over.set();
      EXPECT_EQ(socket.receive()->data, "late");
      // Half a message cannot be gone on with.
      EXPECT_EQ(test::error_of_call([&] {
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
