// HttpServer: what clients with good requests get.
#include "colibri/net/http_server.h"

#include <gtest/gtest.h>

#include "colibri/core/task.h"
#include "test/net/http_test.h"
#include "test/net/loopback.h"
#include "test/support/captured_stderr.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using namespace std::string_literals;

// Good requests ----------------------------------------------------------------------------------

TEST(HttpServer, AnswersOneRequestAfterTheOtherOnOneConnection) {
  run_in_scheduler([] {
    RunningHttpServer server(describe);
    HttpClient client = server.connect();
    for (int i = 0; i < 3; ++i) {
      const HttpAnswer answer = client.ask(get("/a"));
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(answer.body, "GET /a ");
      EXPECT_EQ(answer.field("Content-Type"), "text/plain");
      EXPECT_EQ(answer.field("Content-Length"), "7");
      EXPECT_EQ(answer.field("Date").size(), 29U);
      EXPECT_EQ(answer.fields.count("Connection"), 0U);
      EXPECT_EQ(client.ask(post("hello")).body, "POST /p hello");
      EXPECT_EQ(client.ask(kChunkedHead + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n").body, "POST /c abcd");
    }
    client.stream().close();
    const HttpServerCounters counters = server.stop();
    EXPECT_EQ(counters.requests, 9U);
    EXPECT_EQ(counters.refused, 0U);
    EXPECT_EQ(counters.tcp.accepted, 1U);
    EXPECT_EQ(counters.tcp.completed, 1U);
  });
}

TEST(HttpServer, RequestsThatComeInPiecesAreTheSame) {
  run_in_scheduler([] {
    RunningHttpServer server(describe);
    HttpClient client = server.connect();
    const std::string wire = kChunkedHead + "3\r\nabc\r\n0\r\nX: y\r\n\r\n" + get("/b");
    for (const char c : wire) {
      client.send({&c, 1});
      yield();
    }
    EXPECT_EQ(client.read_answer().body, "POST /c abc");
    EXPECT_EQ(client.read_answer().body, "GET /b ");
    server.stop();
  });
}

TEST(HttpServer, AnswersPipelinedRequestsInTheirOrder) {
  run_in_scheduler([] {
    constexpr int kRequests = 200;
    RunningHttpServer server(describe);
    HttpClient client = server.connect();
    auto sender = spawn([&] {
      std::string wire;
      for (int i = 0; i < kRequests; ++i) {
        wire += i % 2 == 0 ? get('/' + std::to_string(i)) : post(std::to_string(i));
      }
      client.send(wire);
    });
    for (int i = 0; i < kRequests; ++i) {
      const std::string number = std::to_string(i);
      EXPECT_EQ(client.read_answer().body,
                i % 2 == 0 ? "GET /" + number + ' ' : "POST /p " + number);
    }
    sender.join();
    EXPECT_EQ(server.stop().requests, static_cast<std::uint64_t>(kRequests));
  });
}

TEST(HttpServer, ABodyThatNobodyReadIsPassedOver) {
  run_in_scheduler([] {
    RunningHttpServer server([](HttpExchange& exchange) { exchange.respond({.body = "done"}); });
    HttpClient client = server.connect();
    EXPECT_EQ(client.ask(post(test::test_text(100'000))).body, "done");
    EXPECT_EQ(client.ask(kChunkedHead + "3\r\nabc\r\n0\r\n\r\n").body, "done");
    EXPECT_EQ(client.ask(get("/")).body, "done");
    // Too much is not worth the connection.
    const std::string much = test::test_text(1'000'000);
    client.send(post(much).substr(0, 500'000));
    const HttpAnswer last = client.read_answer();
    EXPECT_EQ(last.status, 200);
    EXPECT_TRUE(client.is_at_end());
    client.stream().close();  // the server listens for a while
    server.stop();
  });
}

TEST(HttpServer, HeadAndStatusesWithoutBodiesHaveNone) {
  run_in_scheduler([] {
    RunningHttpServer server([](HttpExchange& exchange) {
      const int status = std::stoi(exchange.request().target.substr(1));
      if (exchange.request().fields.find("X-Stream")) {
        exchange.begin({.status = status}).write("body");
      } else {
        exchange.respond({.status = status, .body = "body"});
      }
    });
    HttpClient client = server.connect();
    client.send("HEAD /200 HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_answer(false).field("Content-Length"), "4");
    client.send("HEAD /200 HTTP/1.1\r\nHost: x\r\nX-Stream: 1\r\n\r\n");
    EXPECT_EQ(client.read_answer(false).field("Transfer-Encoding"), "chunked");
    for (const char* status : {"/204", "/304"}) {
      for (const char* fields : {"", "X-Stream: 1\r\n"}) {
        const HttpAnswer answer = client.ask(get(status, fields));
        EXPECT_EQ(std::to_string(answer.status), status + 1);
        EXPECT_EQ(answer.fields.count("Content-Length"), 0U);
        EXPECT_EQ(answer.fields.count("Transfer-Encoding"), 0U);
      }
    }
    EXPECT_EQ(client.ask(get("/200")).body, "body") << "in step still";
    server.stop();
  });
}

TEST(HttpServer, TheConnectionStaysAsBothSidesWant) {
  struct Case {
    const char* request;
    bool stays;
    const char* connection;  // the answer's field
  };
  const Case cases[] = {
      {"GET /stay HTTP/1.1\r\nHost: x\r\n\r\n", true, ""},
      {"GET /stay HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false, "close"},
      {"GET /close HTTP/1.1\r\nHost: x\r\n\r\n", false, "close"},
      {"GET /stay HTTP/1.0\r\n\r\n", false, "close"},
      {"GET /stay HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "keep-alive"},
  };
  run_in_scheduler([&] {
    RunningHttpServer server([](HttpExchange& exchange) {
      exchange.respond({.fields = {{"connection", "the server's"}, {"DATE", "the server's"}},
                        .body = "x",
                        .close = exchange.request().target == "/close"});
    });
    for (const Case& each : cases) {
      HttpClient client = server.connect();
      const HttpAnswer answer = client.ask(each.request);
      EXPECT_EQ(answer.body, "x") << each.request;
      EXPECT_EQ(answer.field("Connection"), each.connection) << each.request;
      EXPECT_EQ(answer.fields.count("Date"), 1U);
      if (each.stays) {
        EXPECT_EQ(client.ask(each.request).body, "x") << each.request;
      } else {
        EXPECT_TRUE(client.is_at_end()) << each.request;
      }
    }
    server.stop();
  });
}

// Bodies in parts --------------------------------------------------------------------------------

TEST(HttpServer, BodiesAreWrittenInParts) {
  run_in_scheduler([] {
    const std::string part = test::test_text(5'000);
    RunningHttpServer server([&](HttpExchange& exchange) {
      std::optional<std::uint64_t> length;
      if (exchange.request().target == "/known") length = 20 * part.size();
      HttpBodyWriter& body = exchange.begin({}, length);
      for (int i = 0; i < 20; ++i) body.write(part);
      body.write("");
    });
    std::string whole;
    for (int i = 0; i < 20; ++i) whole += part;
    HttpClient client = server.connect();
    for (const char* target : {"/known", "/unknown"}) {
      const HttpAnswer answer = client.ask(get(target));
      EXPECT_TRUE(answer.is_whole);
      EXPECT_EQ(answer.body, whole);
      EXPECT_EQ(answer.fields.count("Content-Length"), target == "/known"s ? 1U : 0U);
    }
    HttpClient old = server.connect();
    const HttpAnswer answer = old.ask("GET /unknown HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(answer.body, whole) << "which ends with the connection";
    EXPECT_EQ(answer.field("Connection"), "close");
    EXPECT_EQ(answer.fields.count("Transfer-Encoding"), 0U);
    server.stop();
  });
}

TEST(HttpServer, WhatWasFlushedIsSeenBeforeTheEnd) {
  run_in_scheduler([] {
    const Event seen;
    RunningHttpServer server([&](HttpExchange& exchange) {
      HttpBodyWriter& body = exchange.begin({});
      body.write("early");
      body.flush();
      seen.wait();
      body.write("late");
    });
    HttpClient client = server.connect();
    client.send(get("/"));
    EXPECT_NE(client.reader().read_until("early").size(), 0U);
    seen.set();
    EXPECT_NE(client.reader().read_until("late").size(), 0U);
    server.stop();
  });
}

TEST(HttpServer, ARequestsBodyIsReadWhileTheAnswerIsWritten) {
  run_in_scheduler([] {
    RunningHttpServer server([](HttpExchange& exchange) {
      HttpBodyWriter& answer = exchange.begin({});
      auto buffer = std::make_unique<std::array<std::byte, 1000>>();
      while (const std::size_t size = exchange.body().read_some(*buffer)) {
        answer.write(std::span(*buffer).first(size));
        answer.flush();
      }
    });
    HttpClient client = server.connect();
    client.send(kChunkedHead);
    for (int i = 0; i < 5; ++i) {
      client.send("4\r\nping\r\n");
      EXPECT_NE(client.reader().read_until("ping\r\n").size(), 0U) << i;
    }
    client.send("0\r\n\r\n");
    EXPECT_NE(client.reader().read_until("0\r\n\r\n").size(), 0U);
    EXPECT_EQ(client.ask(kChunkedHead + "1\r\na\r\n0\r\n\r\n").body, "a");
    server.stop();
  });
}

TEST(HttpServer, ABadBodyEndsAnAnswerThatHasBegun) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningHttpServer server([](HttpExchange& exchange) {
        exchange.begin({}).write("begun");
        exchange.body().read_all();
      });
      HttpClient client = server.connect();
      const HttpAnswer answer = client.ask(kChunkedHead + "3\r\nabcXXXX\r\n");
      EXPECT_EQ(answer.body, "begun");
      EXPECT_FALSE(answer.is_whole) << "the client can tell";
      EXPECT_TRUE(client.is_at_end());
      client.stream().close();
      EXPECT_EQ(server.stop().refused, 1U);
    });
    EXPECT_EQ(log, "");
  });
}

// Expect: 100-continue ---------------------------------------------------------------------------

const std::string kExpecting =
    "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

TEST(HttpServer, AClientThatWaitsForLeaveGetsItWhenTheBodyIsRead) {
  run_in_scheduler([] {
    RunningHttpServer server(describe);
    HttpClient client = server.connect();
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(client.ask(kExpecting).status, 100);
      EXPECT_EQ(client.ask("hello").body, "POST /e hello");
    }
    // One that does not wait needs none.
    EXPECT_EQ(client.ask(kExpecting + "hello").body, "POST /e hello");
    server.stop();
  });
}

TEST(HttpServer, AClientThatWaitsForLeaveIsLetGoIfTheBodyIsNotRead) {
  run_in_scheduler([] {
    RunningHttpServer server([](HttpExchange&) { throw HttpError(403, "no"); });
    HttpClient client = server.connect();
    const HttpAnswer answer = client.ask(kExpecting);
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.body, "no\n");
    EXPECT_EQ(answer.field("Connection"), "close") << "where its body would begin, nobody knows";
    EXPECT_TRUE(client.is_at_end());
    client.stream().close();
    server.stop();
  });
}

// Many -------------------------------------------------------------------------------------------

TEST(HttpServer, ServesManyAtOnce) {
  run_in_scheduler([] {
    const std::size_t count = test::scaled(300, 100, 50);
    RunningHttpServer server(describe, {.tcp = {.threads = 2}});
    std::vector<Task<void>> clients;
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(spawn([&server, i] {
        auto client = std::make_unique<HttpClient>(server.address());
        for (int round = 0; round < 5; ++round) {
          const std::string text = std::to_string(i) + '.' + std::to_string(round);
          EXPECT_EQ(client->ask(post(text)).body, "POST /p " + text);
        }
      }));
    }
    for (Task<void>& each : clients) each.join();
    const HttpServerCounters counters = server.stop();
    EXPECT_EQ(counters.requests, 5 * count);
    EXPECT_EQ(counters.tcp.completed, count);
  });
}

}  // namespace
}  // namespace colibri
