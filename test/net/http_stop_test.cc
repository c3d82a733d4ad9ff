// HttpServer: which connections its stop ends, and when.
#include "colibri/net/http_server.h"

#include <gtest/gtest.h>

#include <atomic>

#include "colibri/core/event.h"
#include "colibri/core/sleep.h"
#include "test/net/http_test.h"

namespace colibri {
namespace {

TEST(HttpServer, StopEndsIdleConnectionsAndLetsRequestsEnd) {
  for (const std::size_t threads : {1U, 2U}) {
    run_in_scheduler([&] {
      const Event go_on;
      RunningHttpServer server(
          [&](HttpExchange& exchange) {
            if (exchange.request().target == "/wait") go_on.wait();
            exchange.respond({.body = "x"});
          },
          {.tcp = {.threads = threads, .drain = seconds(60)}});
      std::vector<std::unique_ptr<HttpClient>> idle;
      for (int i = 0; i < 20; ++i) {
        idle.push_back(std::make_unique<HttpClient>(server.address()));
        EXPECT_EQ(idle.back()->ask(get("/")).status, 200);
      }
      HttpClient busy = server.connect();
      busy.send(get("/wait") + get("/"));
      HttpClient silent = server.connect();
      EXPECT_TRUE(comes_true([&] { return server->counters().tcp.accepted == 22; }));
      EXPECT_TRUE(comes_true([&] { return server->counters().requests == 21; }));
      server->stop();
      for (auto& each : idle) EXPECT_TRUE(each->is_at_end());
      EXPECT_TRUE(silent.is_at_end()) << "who has asked nothing yet is idle, too";
      go_on.set();
      EXPECT_EQ(busy.read_answer().status, 200);
      const HttpAnswer next = busy.read_answer();
      EXPECT_EQ(next.status, 200) << "it had come already";
      EXPECT_EQ(next.field("Connection"), "close");
      EXPECT_TRUE(busy.is_at_end());
      const HttpServerCounters counters = server.stop();
      EXPECT_EQ(counters.tcp.canceled, 0U);
      EXPECT_EQ(counters.tcp.completed, 22U);
      EXPECT_EQ(counters.requests, 22U);
    });
  }
}

/// How much of a request has come when the server is asked to stop.
TEST(HttpServer, ARequestThatHasBegunWhenTheServerStopsIsServed) {
  struct Case {
    std::string begun;
    std::string rest;
  };
  const Case cases[] = {
      {"G", get("/p").substr(1)},
      {get("/p").substr(0, 20), get("/p").substr(20)},
      {get("/p"), ""},
      {post("hello").substr(0, 50), post("hello").substr(50)},
      {kChunkedHead + "2\r\nh", "e\r\n3\r\nllo\r\n0\r\n\r\n"},
  };
  run_in_scheduler([&] {
    for (const Case& each : cases) {
      for (const bool is_first : {true, false}) {
        RunningHttpServer server(describe, {.tcp = {.drain = seconds(60)}});
        HttpClient client = server.connect();
        if (!is_first) {
          EXPECT_EQ(client.ask(get("/")).status, 200);
        }
        // The server does not get to run in between.
        client.send(each.begun);
        server->stop();
        for (const char c : each.rest) {
          sleep_for(std::chrono::microseconds(100));
          client.send({&c, 1});
        }
        const HttpAnswer answer = client.read_answer();
        EXPECT_EQ(answer.status, 200) << each.begun;
        EXPECT_EQ(answer.field("Connection"), "close");
        EXPECT_TRUE(client.is_at_end());
        const HttpServerCounters counters = server.stop();
        EXPECT_EQ(counters.refused, 0U);
        EXPECT_EQ(counters.tcp.completed, 1U);
      }
    }
  });
}

TEST(HttpServer, ARequestThatCameBeforeTheStopIsServedThoughItWasNotSeenYet) {
  run_in_scheduler([] {
    const Event go_on;
    RunningHttpServer server([&](HttpExchange& exchange) {
      if (exchange.request().target == "/wait") go_on.wait();
      exchange.respond({.body = exchange.request().target});
    });
    HttpClient client = server.connect();
    client.send(get("/wait"));
    EXPECT_TRUE(comes_true([&] { return server->counters().requests == 1; }));
    // The server does not get to run in between.
    client.send(get("/next"));
    server->stop();
    go_on.set();
    EXPECT_EQ(client.read_answer().body, "/wait");
    const HttpAnswer next = client.read_answer();
    EXPECT_EQ(next.body, "/next");
    EXPECT_EQ(next.field("Connection"), "close");
    EXPECT_TRUE(client.is_at_end());
    server.stop();
  });
}

TEST(HttpServer, AStopIsToldToEachThreadOnce) {
  run_in_scheduler([] {
    std::atomic<int> told = 0;
    RunningHttpServer server(describe, {.tcp = {.threads = 2, .on_stop = [&] { ++told; }}});
    server.stop();
    EXPECT_EQ(told, 2);
  });
}

TEST(HttpServer, StopCancelsWhatDoesNotEndInTime) {
  run_in_scheduler([] {
    RunningHttpServer server([](HttpExchange&) { Event().wait(); },
                             {.tcp = {.drain = milliseconds(5)}});
    HttpClient client = server.connect();
    client.send(get("/"));
    EXPECT_TRUE(comes_true([&] { return server->counters().requests == 1; }));
    EXPECT_EQ(server.stop().tcp.canceled, 1U);
    EXPECT_EQ(client.read_answer().status, 0) << "no answer";
  });
}

}  // namespace
}  // namespace colibri
