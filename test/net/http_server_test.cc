// HttpServer: what clients get, good ones and bad ones, and what becomes of their connections.
#include "colibri/net/http_server.h"

#include <gtest/gtest.h>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/net/http_client.h"
#include "test/net/loopback.h"
#include "test/net/running_http_server.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::comes_true;
using test::HttpAnswer;
using test::HttpClient;
using test::run_in_scheduler;
using test::RunningHttpServer;

/// Tells what it was asked.
void describe(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  const std::string body = exchange.body().read_all();
  exchange.respond({.fields = {{"Content-Type", "text/plain"}},
                    .body = request.method + ' ' + request.target + ' ' + body});
}

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

std::string post(const std::string& body, const std::string& fields = "") {
  return "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

const std::string kChunkedHead =
    "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

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

// Bad requests -----------------------------------------------------------------------------------

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

// Handlers that fail -----------------------------------------------------------------------------

TEST(HttpServer, WhatAHandlerThrowsIsAnswered) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningHttpServer server([](HttpExchange& exchange) {
        const std::string& target = exchange.request().target;
        if (target == "/404") throw HttpError(404, "no such thing");
        if (target == "/100") throw HttpError(100, "no answer");
        if (target == "/1000") throw HttpError(1000, "no status");
        if (target == "/throw") throw std::runtime_error("the handler's own words");
        if (target == "/int") throw 5;
        if (target == "/late") {
          exchange.begin({}).write("begun");
          throw std::runtime_error("too late");
        }
        if (target == "/short") exchange.begin({}, 10).write("too");
        if (target == "/long") exchange.begin({}, 2).write("too long");
        if (target == "/twice") exchange.respond({});
        if (target == "/status") exchange.respond({.status = 100});
        if (target != "/nothing" && target != "/short") exchange.respond({.body = "well"});
      });
      HttpClient client = server.connect();
      const HttpAnswer refused = client.ask(get("/404"));
      EXPECT_EQ(refused.status, 404);
      EXPECT_EQ(refused.body, "no such thing\n");
      EXPECT_EQ(client.ask(get("/")).body, "well") << "the connection stays";
      for (const char* target : {"/throw", "/int", "/nothing", "/status", "/100", "/1000"}) {
        HttpClient other = server.connect();
        const HttpAnswer answer = other.ask(get(target));
        EXPECT_EQ(answer.status, 500) << target;
        EXPECT_EQ(answer.body, "the server has failed\n") << "and not why";
        EXPECT_TRUE(other.is_at_end());
      }
      for (const char* target : {"/late", "/short", "/long"}) {
        HttpClient other = server.connect();
        EXPECT_FALSE(other.ask(get(target)).is_whole) << target;
        EXPECT_TRUE(other.is_at_end());
      }
      HttpClient other = server.connect();
      EXPECT_EQ(other.ask(get("/twice")).status, 0) << "it was not sent yet";
      client.stream().close();
      const HttpServerCounters counters = server.stop();
      EXPECT_EQ(counters.tcp.failed, 10U);
      EXPECT_EQ(counters.refused, 0U);
    });
    EXPECT_NE(log.find("the handler's own words"), std::string::npos) << log;
  });
}

TEST(HttpServer, AClientThatIsStillSendingSeesTheAnswer) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningHttpServer server([](HttpExchange&) { throw std::runtime_error("at once"); });
      HttpClient client = server.connect();
      const std::string body = test::test_text(500'000);
      auto sender = spawn([&] { client.send(post(body)); });
      EXPECT_EQ(client.read_answer().status, 500);
      sender.join();
      EXPECT_TRUE(client.is_at_end());
      client.stream().close();
      server.stop();
    });
    EXPECT_NE(log.find("at once"), std::string::npos) << log;
  });
}

// Answers that could not be sent ------------------------------------------------------------------

/// Calls it in a time that is over: whatever would have to be sent, or waited for, fails.
template <class Call>
void call_too_late(Call call) {
  EXPECT_EQ(test::error_of_call([&] {
              const TimeLimit limit(milliseconds(0));
              call();
            }),
            ETIMEDOUT);
}

TEST(HttpServer, WhatAFailedWriteHasLostIsNotTakenForSent) {
  const std::string large = test::test_text(20'000);
  const auto handler = [&](HttpExchange& exchange) {
    const std::string& target = exchange.request().target;
    if (target == "/") return exchange.respond({.body = "first"});
    if (target == "/length") {
      HttpBodyWriter& body = exchange.begin({}, large.size());
      call_too_late([&] { body.write(large); });
    } else if (target == "/chunks") {
      HttpBodyWriter& body = exchange.begin({});
      call_too_late([&] { body.write(large); });
      EXPECT_EQ(test::error_of_call([&] { body.write("more"); }), EPIPE);
    } else if (target == "/head") {
      call_too_late([&] { exchange.respond({.fields = {{"X", large}}}); });
      throw HttpError(503, "too slow");
    } else {
      call_too_late([&] { exchange.body().read_all(); });
      throw HttpError(503, "too slow");
    }
  };
  run_in_scheduler([&] {
    const std::string log = test::stderr_of([&] {
      for (const std::string& wire : {get("/length") + get("/"), get("/chunks") + get("/"),
                                      get("/head") + get("/"), post("hello").substr(0, 50)}) {
        RunningHttpServer server(handler);
        HttpClient client = server.connect();
        // The first answer waits for others, and is lost with them.
        client.send(get("/") + wire);
        client.stream().shutdown_write();
        EXPECT_EQ(client.read_answer().status, 0) << wire;
        EXPECT_TRUE(client.is_at_end()) << wire;
        const HttpServerCounters counters = server.stop();
        EXPECT_EQ(counters.requests, 2U) << wire;
        EXPECT_EQ(counters.tcp.completed, 1U) << wire;
      }
    });
    EXPECT_EQ(log, "");
  });
}

TEST(HttpServer, ABodyThatWasCutIsFollowedByNothing) {
  run_in_scheduler([] {
    const std::string large = test::test_text(20'000'000);
    const Event is_cut;
    RunningHttpServer server([&](HttpExchange& exchange) {
      if (exchange.request().target == "/") return exchange.respond({.body = "next"});
      HttpBodyWriter& body = exchange.begin({}, large.size());
      EXPECT_EQ(test::error_of_call([&] {
                  const TimeLimit limit(milliseconds(20));
                  body.write(large);
                }),
                ETIMEDOUT);
      is_cut.set();
    });
    HttpClient client = server.connect();
    client.send(get("/large") + get("/"));
    client.stream().shutdown_write();
    is_cut.wait();
    const HttpAnswer answer = client.read_answer();
    EXPECT_FALSE(answer.is_whole);
    EXPECT_TRUE(large.starts_with(answer.body)) << "and nothing that is not of it";
    EXPECT_EQ(server.stop().requests, 1U);
  });
}

TEST(HttpServer, ATimeLimitBeforeAnythingWasWrittenCanBeAnswered) {
  run_in_scheduler([] {
    RunningHttpServer server([](HttpExchange& exchange) {
      call_too_late([&] { exchange.body().read_all(); });
      throw HttpError(503, "too slow");
    });
    HttpClient client = server.connect();
    const std::string request = post("hello");
    client.send(request.substr(0, request.size() - 1));
    EXPECT_EQ(client.read_answer().status, 503);
    client.stream().close();
    server.stop();
  });
}

// Stopping ---------------------------------------------------------------------------------------

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
      HttpClient fresh = server.connect();
      EXPECT_TRUE(comes_true([&] { return server->counters().tcp.accepted == 22; }));
      EXPECT_TRUE(comes_true([&] { return server->counters().requests == 21; }));
      server->stop();
      for (auto& each : idle) EXPECT_TRUE(each->is_at_end());
      const HttpAnswer last = fresh.ask(get("/"));
      EXPECT_EQ(last.status, 200) << "who was accepted is served once";
      EXPECT_EQ(last.field("Connection"), "close");
      EXPECT_TRUE(fresh.is_at_end());
      go_on.set();
      EXPECT_EQ(busy.read_answer().status, 200);
      const HttpAnswer next = busy.read_answer();
      EXPECT_EQ(next.status, 200) << "it had come already";
      EXPECT_EQ(next.field("Connection"), "close");
      EXPECT_TRUE(busy.is_at_end());
      const HttpServerCounters counters = server.stop();
      EXPECT_EQ(counters.tcp.canceled, 0U);
      EXPECT_EQ(counters.tcp.completed, 22U);
      EXPECT_EQ(counters.requests, 23U);
    });
  }
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
