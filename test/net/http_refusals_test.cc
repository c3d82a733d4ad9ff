// HttpServer and clients that send what they should not, too much, too late, or nothing.
#include "colibri/net/http_server.h"

#include <gtest/gtest.h>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/net/http_test.h"
#include "test/net/loopback.h"
#include "test/support/captured_stderr.h"

namespace colibri {
namespace {

using namespace std::string_literals;

struct Refusal {
  int status;
  std::string text;
};

TEST(HttpServer, RefusesAndClosesWhereTheStreamCannotBeTrusted) {
  const std::string smuggled = get("/smuggled");
  const Refusal refusals[] = {
      {400, "nonsense\r\n\r\n" + smuggled},
      {400, "\x16\x03\x01\x02"},
      {400, "GET / HTTP/1.1\r\n\r\n" + smuggled},
      {400, "GET / HTTP/1.1\nHost: x\n\n" + smuggled},
      {400, get("/", "X: a\r\n b\r\n") + smuggled},
      {400, get("/", "Content-Length : 5\r\n") + smuggled},
      {400, post("hello", "Content-Length: 5\r\n") + smuggled},
      {400, post("0\r\n\r\n", "Transfer-Encoding: chunked\r\n") + smuggled},
      {400, kChunkedHead + "x\r\n" + smuggled},
      {400, kChunkedHead + "3\r\nabcd\r\n0\r\n\r\n" + smuggled},
      {400, kChunkedHead + "3\n"},
      {400, kChunkedHead + "1;" + std::string(1000, 'a')},
      {400, kChunkedHead + "0\r\nX: " + std::string(1000, 'a')},
      {413, post(std::string(101, 'x')) + smuggled},
      {413, kChunkedHead + "65\r\n" + std::string(101, 'x') + "\r\n0\r\n\r\n" + smuggled},
      {414, get('/' + std::string(1000, 'a')) + smuggled},
      {417, get("/", "Expect: something\r\n") + smuggled},
      {431, get("/", "X: " + std::string(1000, 'a') + "\r\n") + smuggled},
      {501, get("/", "Transfer-Encoding: gzip\r\n") + smuggled},
      {505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n" + smuggled},
  };
  run_in_scheduler([&] {
    const std::string log = test::stderr_of([&] {
      RunningHttpServer server(describe, {.header_bytes = 1000, .body_bytes = 100});
      HttpClient good = server.connect();
      for (const Refusal& each : refusals) {
        HttpClient client = server.connect();
        EXPECT_EQ(client.ask(get("/")).status, 200);
        const HttpAnswer answer = client.ask(each.text);
        EXPECT_EQ(answer.status, each.status) << testing::PrintToString(each.text);
        EXPECT_EQ(answer.field("Connection"), "close");
        EXPECT_TRUE(answer.is_whole);
        EXPECT_TRUE(client.is_at_end()) << testing::PrintToString(each.text);
        EXPECT_EQ(good.ask(get("/")).body, "GET / ");
      }
      EXPECT_EQ(server->counters().refused, std::size(refusals));
      good.stream().close();
      const HttpServerCounters counters = server.stop();
      EXPECT_EQ(counters.tcp.completed, counters.tcp.accepted);
    });
    EXPECT_EQ(log, "") << "what clients do wrong is counted, not logged";
  });
}

TEST(HttpServer, WhoTakesTooLongIsToldSo) {
  const std::string slow[] = {"GET", get("/").substr(0, 20), post("hello").substr(0, 50),
                              kChunkedHead + "5\r\nhel"};
  run_in_scheduler([&] {
    RunningHttpServer server(describe, {.header = milliseconds(50), .body = milliseconds(50)});
    for (const std::string& each : slow) {
      HttpClient client = server.connect();
      EXPECT_EQ(client.ask(each).status, 408) << each;
      EXPECT_TRUE(client.is_at_end());
    }
    EXPECT_EQ(server.stop().refused, std::size(slow));
  });
}

TEST(HttpServer, AByteNowAndThenDoesNotExtendTheTime) {
  run_in_scheduler([] {
    RunningHttpServer server(describe, {.header = milliseconds(100)});
    HttpClient client = server.connect();
    const Event answered;
    auto dripping = spawn([&] {
      while (!answered.is_set()) {
        client.send("G");
        sleep_for(milliseconds(5));
      }
    });
    EXPECT_EQ(client.read_answer().status, 408);
    answered.set();
    dripping.join();
    client.stream().close();
    server.stop();
  });
}

TEST(HttpServer, IdleConnectionsAreClosedWithoutAWord) {
  run_in_scheduler([] {
    RunningHttpServer server(describe, {.idle = milliseconds(50)});
    HttpClient silent = server.connect();
    EXPECT_TRUE(silent.is_at_end());
    // On a slow machine, the time may be over before the first request, too.
    EXPECT_TRUE(comes_true([&] {
      HttpClient client = server.connect();
      return client.ask(get("/")).status == 200 && client.is_at_end();
    }));
    const HttpServerCounters counters = server.stop();
    EXPECT_EQ(counters.refused, 0U);
    EXPECT_EQ(counters.tcp.timed_out, 0U);
  });
}

TEST(HttpServer, ALineEndTooManyBehindABodyIsNoRequest) {
  run_in_scheduler([] {
    for (const std::string& extra : {"\r\n"s, "\r"s}) {
      RunningHttpServer server(describe, {.header = milliseconds(20)});
      HttpClient client = server.connect();
      EXPECT_EQ(client.ask(post("hello") + extra).status, 200);
      sleep_for(milliseconds(60));  // it would be late by now
      EXPECT_EQ(client.ask(extra.size() == 2 ? get("/") : "\n" + get("/")).body, "GET / ");
      client.send(extra);
      sleep_for(milliseconds(60));
      server->stop();
      EXPECT_TRUE(client.is_at_end()) << "it is idle";
      client.stream().close();
      const HttpServerCounters counters = server.stop();
      EXPECT_EQ(counters.requests, 2U);
      EXPECT_EQ(counters.refused, 0U);
    }
  });
}

TEST(HttpServer, AClientThatReadsNothingIsLetGo) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      const std::string body = test::test_text(20'000'000);
      RunningHttpServer server([&](HttpExchange& exchange) { exchange.respond({.body = body}); },
                               {.write = milliseconds(20)});
      HttpClient client = server.connect();
      client.send(get("/"));
      EXPECT_TRUE(comes_true([&] { return server->counters().tcp.timed_out == 1; }));
      server.stop();
    });
    EXPECT_EQ(log, "");
  });
}

TEST(HttpServer, AClientThatEndsInTheMidstIsToldSo) {
  const std::string starts[] = {"GET", get("/").substr(0, 20), post("hello").substr(0, 50),
                                kChunkedHead + "5\r\nhel"};
  run_in_scheduler([&] {
    const std::string log = test::stderr_of([&] {
      RunningHttpServer server(describe);
      for (const std::string& start : starts) {
        HttpClient client = server.connect();
        client.send(start);
        client.stream().shutdown_write();
        EXPECT_EQ(client.read_answer().status, 400) << start;
        EXPECT_TRUE(client.is_at_end());
      }
      EXPECT_EQ(server.stop().refused, std::size(starts));
    });
    EXPECT_EQ(log, "");
  });
}

TEST(HttpServer, AClientThatResetsIsLost) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningHttpServer server(describe);
      for (const std::string& start : {"GET"s, post("hello").substr(0, 50), get("/")}) {
        HttpClient client = server.connect();
        client.send(get("/") + start);
        EXPECT_EQ(client.read_answer().status, 200);
        client.stream().reset();
      }
      EXPECT_TRUE(comes_true([&] { return server->counters().tcp.active == 0; }));
      EXPECT_EQ(server.stop().tcp.lost, 3U);
    });
    EXPECT_EQ(log, "");
  });
}

}  // namespace
}  // namespace colibri
