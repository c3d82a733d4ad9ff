// WebSocket: what becomes of connections when their server is asked to stop.
#include "colibri/net/websocket.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "colibri/core/event.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/net/websocket_client.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::close_frame;
using test::comes_true;
using test::echo_messages;
using test::Frame;
using test::frame;
using test::HttpClient;
using test::read_frame;
using test::run_in_scheduler;
using test::RunningWebSockets;
using test::shake_hands;
using test::text_frame;

TEST(WebSocket, TheServersStopIsToldToThoseThatWaitForAMessage) {
  run_in_scheduler([] {
    auto codes = std::make_shared<std::vector<unsigned>>();
    RunningWebSockets server([codes](WebSocket& socket) {
      echo_messages(socket);
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
      echo_messages(socket);
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
    RunningWebSockets server(echo_messages);
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
    RunningWebSockets server(echo_messages);
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

}  // namespace
}  // namespace colibri
