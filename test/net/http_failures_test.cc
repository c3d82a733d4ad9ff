// HttpServer: handlers that fail, and answers that could not be sent.
#include "colibri/net/http_server.h"

#include <gtest/gtest.h>

#include "colibri/core/event.h"
#include "colibri/core/task.h"
#include "test/net/http_test.h"
#include "test/net/loopback.h"
#include "test/support/captured_stderr.h"

namespace colibri {
namespace {

using namespace std::string_literals;

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

TEST(HttpServer, AnAnswerWithoutALengthThatWasCutEndsWithAReset) {
  const std::string large = test::test_text(20'000'000);
  const auto handler = [&](HttpExchange& exchange) {
    const std::string& target = exchange.request().target;
    HttpBodyWriter& answer = exchange.begin({});
    answer.write("begun");
    if (target == "/throw") throw std::runtime_error("too late");
    if (target == "/refuse") throw HttpError(404, "too late");
    if (target == "/body") exchange.body().read_all();
    if (target == "/wait") {
      answer.flush();
      Event().wait();
    }
    if (target == "/slow") {
      const TimeLimit limit(milliseconds(20));
      answer.write(large);
    }
  };
  run_in_scheduler([&] {
    const std::string log = test::stderr_of([&] {
      for (const std::string& request :
           {"GET /throw HTTP/1.0\r\n\r\n"s, "GET /refuse HTTP/1.0\r\n\r\n"s,
            "POST /body HTTP/1.0\r\nContent-Length: 5\r\n\r\nhell"s, "GET /wait HTTP/1.0\r\n\r\n"s,
            "GET /slow HTTP/1.0\r\n\r\n"s}) {
        RunningHttpServer server(handler,
                                 {.tcp = {.drain = milliseconds(5)}, .body = milliseconds(5)});
        HttpClient client = server.connect();
        client.send(request);
        EXPECT_TRUE(comes_true([&] { return server->counters().requests == 1; }));
        server->stop();
        EXPECT_EQ(test::error_of_call([&] {
                    while (!client.is_at_end()) {
                    }
                  }),
                  ECONNRESET)
            << request;
        server.stop();
      }
      RunningHttpServer server(handler);
      HttpClient client = server.connect();
      EXPECT_EQ(client.ask("GET / HTTP/1.0\r\n\r\n").body, "begun") << "a whole one ends in order";
      server.stop();
    });
    EXPECT_NE(log.find("too late"), std::string::npos) << log;
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

}  // namespace
}  // namespace colibri
