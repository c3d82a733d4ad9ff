// WebSocket: the handshake.
#include "colibri/net/websocket.h"

#include <gtest/gtest.h>

#include "test/net/websocket_client.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::echo_messages;
using test::handshake_request;
using test::HttpAnswer;
using test::HttpClient;
using test::kAnswer;
using test::kKey;
using test::kUpgrade;
using test::kVersion;
using test::read_frame;
using test::run_in_scheduler;
using test::RunningWebSockets;
using test::text_frame;

TEST(WebSocket, TheHandshakeIsThatOfTheStandard) {
  run_in_scheduler([] {
    RunningWebSockets server(echo_messages);
    HttpClient client = server.connect();
    // The first message comes with the request.
    const HttpAnswer answer =
        client.ask(handshake_request(kUpgrade + kVersion + kKey) + text_frame("early"));
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
      {426, handshake_request("")},
      {426, handshake_request(kVersion + kKey + "Connection: Upgrade\r\n")},
      {426, handshake_request(kUpgrade + kKey)},
      {426, handshake_request(kUpgrade + kKey + "Sec-WebSocket-Version: 8\r\n")},
      {405, handshake_request(kUpgrade + kVersion + kKey, "POST / HTTP/1.1")},
      {400, handshake_request(kVersion + kKey + "Upgrade: websocket\r\n")},
      {400, handshake_request(kUpgrade + kVersion)},
      {400, handshake_request(kUpgrade + kVersion + kKey + kKey)},
      {400,
       handshake_request(kUpgrade + kVersion + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n")},
      {400,
       handshake_request(kUpgrade + kVersion + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n")},
      {400, handshake_request(kUpgrade + kVersion +
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n")},
      {400, handshake_request(kUpgrade + kVersion + kKey + body) + "hello"},
  };
  run_in_scheduler([&] {
    RunningWebSockets server(echo_messages);
    HttpClient client = server.connect();
    for (const Case& each : cases) {
      const HttpAnswer answer = client.ask(each.text);
      EXPECT_EQ(answer.status, each.status) << each.text;
      EXPECT_EQ(answer.field("Sec-WebSocket-Version"), each.status == 426 ? "13" : "") << each.text;
    }
    EXPECT_EQ(client.ask(handshake_request(kUpgrade + kVersion + kKey)).status, 101);
    client.stream().close();
    server.stop();
  });
}

}  // namespace
}  // namespace colibri
