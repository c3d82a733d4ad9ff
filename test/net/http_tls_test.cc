// HttpServer over TLS: handshakes, requests, limits, stops, and clients that break TLS.
#include "colibri/net/http_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "colibri/core/event.h"
#include "colibri/core/sleep.h"
#include "colibri/net/tls_stream.h"
#include "colibri/net/websocket.h"
#include "test/net/http_test.h"
#include "test/net/loopback.h"
#include "test/net/test_certificates.h"
#include "test/support/captured_stderr.h"

namespace colibri {
namespace {

using test::error_of_call;

/// A client's side of one connection over TLS.
class HttpsClient : private test::ConnectedStream<TlsStream>, public test::HttpDialogue {
 public:
  HttpsClient(const Address& address, const TlsClientContext& context)
      : ConnectedStream{TlsStream::connect(TcpStream::connect(address), "localhost", context)},
        HttpDialogue(connected) {}

  TlsStream& stream() noexcept { return connected; }
};

class HttpTls : public testing::Test {
 protected:
  HttpServerOptions protect(HttpServerOptions options = {}) const {
    options.protection = http_over_tls({.certificate = certificate_});
    return options;
  }
  TlsClientContext client_with(std::vector<std::string> protocols) const {
    return TlsClientContext(
        {.authorities_file = authority_.file(), .protocols = std::move(protocols)});
  }

  const test::TestAuthority authority_;
  const TlsCertificate certificate_ = authority_.issue("localhost");
  const TlsClientContext client_{{.authorities_file = authority_.file()}};
};

// Requests ---------------------------------------------------------------------------------------

TEST_F(HttpTls, AnswersOneRequestAfterTheOtherOnOneConnection) {
  for (const std::size_t threads : {1U, 2U}) {
    run_in_scheduler([&] {
      RunningHttpServer server(describe, protect({.tcp = {.threads = threads}}));
      HttpsClient client(server.address(), client_);
      const std::string body = test::test_text(100'000);
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client.ask(get("/a")).body, "GET /a ");
        EXPECT_EQ(client.ask(post(body)).body, "POST /p " + body);
      }
      client.send(get("/1") + get("/2"));
      EXPECT_EQ(client.read_answer().body, "GET /1 ");
      EXPECT_EQ(client.read_answer().body, "GET /2 ");
      EXPECT_EQ(client.ask(get("/", "Connection: close\r\n")).status, 200);
      EXPECT_TRUE(client.is_at_end()) << "an end that was declared";
      const HttpServerCounters counters = server.stop();
      EXPECT_EQ(counters.requests, 9U);
      EXPECT_EQ(counters.tcp.completed, 1U);
    });
  }
}

TEST_F(HttpTls, TheProtocolIsAgreedOn) {
  run_in_scheduler([&] {
    const std::string log = test::stderr_of([&] {
      RunningHttpServer server(describe, protect());
      HttpsClient modern(server.address(), client_with({"h2", "http/1.1"}));
      EXPECT_EQ(modern.stream().protocol(), "http/1.1");
      EXPECT_EQ(modern.ask(get("/")).status, 200);
      HttpsClient silent(server.address(), client_);
      EXPECT_EQ(silent.stream().protocol(), "");
      EXPECT_EQ(silent.ask(get("/")).status, 200);
      EXPECT_EQ(error_of_call([&] { HttpsClient(server.address(), client_with({"h2"})); }), EPROTO);
      EXPECT_TRUE(comes_true([&] { return server->counters().refused == 1; }));
      server.stop();
    });
    EXPECT_EQ(log, "");
  });
}

TEST_F(HttpTls, TheLimitsHold) {
  run_in_scheduler([&] {
    RunningHttpServer server(describe, protect({.header_bytes = 1000,
                                                .body_bytes = 100,
                                                .idle = milliseconds(200),
                                                .header = milliseconds(20),
                                                .body = milliseconds(20)}));
    const auto status_of = [&](const std::string& text) {
      HttpsClient client(server.address(), client_);
      const int status = client.ask(text).status;
      EXPECT_TRUE(client.is_at_end()) << text;
      return status;
    };
    EXPECT_EQ(status_of(get('/' + std::string(1000, 'a'))), 414);
    EXPECT_EQ(status_of(post(std::string(101, 'x'))), 413);
    EXPECT_EQ(status_of("GET"), 408);
    EXPECT_EQ(status_of(post("hello").substr(0, 50)), 408);
    HttpsClient idle(server.address(), client_);
    EXPECT_TRUE(idle.is_at_end());
    TcpStream silent = TcpStream::connect(server.address());
    EXPECT_EQ(test::read_all(silent), "") << "who begins no handshake is idle";
    const HttpServerCounters counters = server.stop();
    EXPECT_EQ(counters.refused, 4U);
    EXPECT_EQ(counters.tcp.completed, 6U);
  });
}

TEST_F(HttpTls, CarriesWebSockets) {
  run_in_scheduler([&] {
    RunningHttpServer server(
        [](HttpExchange& exchange) {
          WebSocket::serve(exchange, [](WebSocket& socket) {
            while (const auto message = socket.receive()) socket.send_text(message->data);
          });
        },
        protect());
    HttpsClient client(server.address(), client_);
    EXPECT_EQ(client
                  .ask(get("/",
                           "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                           "Sec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
                  .status,
              101);
    const std::string mask(4, '\0');
    client.send("\x81\x85" + mask + "hello");
    EXPECT_EQ(client.reader().read_until("hello"), "\x81\x05hello");
    server->stop();
    EXPECT_EQ(client.reader().read_until("\xe9"), std::string("\x88\x02\x03\xe9"));
    client.send("\x88\x82" + mask + "\x03\xe9");
    EXPECT_TRUE(client.is_at_end());
    EXPECT_EQ(server.stop().tcp.completed, 1U);
  });
}

// Ends -------------------------------------------------------------------------------------------

TEST_F(HttpTls, AClientThatJustClosesBetweenRequestsHasEnded) {
  run_in_scheduler([&] {
    RunningHttpServer server(describe, protect());
    HttpsClient client(server.address(), client_);
    EXPECT_EQ(client.ask(get("/")).status, 200);
    client.stream().tcp().shutdown_write();
    EXPECT_TRUE(comes_true([&] { return server->counters().tcp.completed == 1; }));
    HttpsClient other(server.address(), client_);
    other.send("GET");
    other.stream().tcp().shutdown_write();
    EXPECT_TRUE(comes_true([&] { return server->counters().tcp.lost == 1; }));
    server.stop();
  });
}

TEST_F(HttpTls, AnAnswerWithoutALengthThatWasCutHasNoDeclaredEnd) {
  run_in_scheduler([&] {
    test::stderr_of([&] {
      RunningHttpServer server(
          [](HttpExchange& exchange) {
            exchange.begin({}).write("begun");
            if (exchange.request().target == "/cut") throw std::runtime_error("too late");
          },
          protect());
      HttpsClient whole(server.address(), client_);
      EXPECT_EQ(whole.ask("GET / HTTP/1.0\r\n\r\n").body, "begun");
      HttpsClient cut(server.address(), client_);
      EXPECT_EQ(error_of_call([&] { cut.ask("GET /cut HTTP/1.0\r\n\r\n"); }), ECONNRESET);
      server.stop();
    });
  });
}

TEST_F(HttpTls, AStopClosesWhoIsIdleAndServesWhatHasBegun) {
  run_in_scheduler([&] {
    RunningHttpServer server(describe, protect({.tcp = {.drain = seconds(60)}}));
    HttpsClient idle(server.address(), client_);
    EXPECT_EQ(idle.ask(get("/")).status, 200);
    HttpsClient fresh(server.address(), client_);
    TcpStream silent = TcpStream::connect(server.address());
    HttpsClient busy(server.address(), client_);
    busy.send("GET");
    sleep_for(milliseconds(1));
    server->stop();
    EXPECT_TRUE(idle.is_at_end());
    EXPECT_TRUE(fresh.is_at_end());
    EXPECT_EQ(test::read_all(silent), "");
    const HttpAnswer answer = busy.ask(get("/").substr(3));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("Connection"), "close");
    EXPECT_TRUE(busy.is_at_end());
    EXPECT_EQ(server.stop().tcp.completed, 4U);
  });
}

// Bad days ---------------------------------------------------------------------------------------

TEST_F(HttpTls, WhoBreaksTlsIsRefusedAndNobodyElseNotices) {
  run_in_scheduler([&] {
    const std::string log = test::stderr_of([&] {
      RunningHttpServer server(describe, protect());
      HttpsClient good(server.address(), client_);
      EXPECT_EQ(good.ask(get("/")).status, 200);
      for (const std::string& garbage :
           {get("/"), test::test_text(1000), std::string(1000, '\0')}) {
        TcpStream bad = TcpStream::connect(server.address());
        error_of_call([&] {
          bad.write_all(garbage);
          test::read_all(bad);
        });
        EXPECT_EQ(good.ask(get("/")).status, 200);
      }
      // Records that were never encrypted: between requests, within a head, and within a body.
      for (const std::string& begun :
           {std::string(), std::string("GET"), post("hello").substr(0, 50)}) {
        HttpsClient bad(server.address(), client_);
        if (!begun.empty()) bad.send(begun);
        bad.stream().tcp().write_all(std::string("\x17\x03\x03\x00\x20", 5) + test::test_text(32));
        EXPECT_NE(error_of_call([&] { bad.read_answer(); }), 0);
        EXPECT_EQ(good.ask(get("/")).status, 200);
      }
      EXPECT_TRUE(comes_true([&] { return server->counters().refused == 6; }));
      good.stream().close();
      EXPECT_EQ(server.stop().tcp.failed, 0U);
    });
    EXPECT_EQ(log, "");
  });
}

TEST_F(HttpTls, AHandshakeHasATimeOfItsOwn) {
  run_in_scheduler([&] {
    HttpServerOptions options;
    options.protection =
        http_over_tls({.certificate = certificate_, .handshake_timeout = milliseconds(5)});
    RunningHttpServer server(describe, options);
    TcpStream slow = TcpStream::connect(server.address());
    slow.write_all("\x16\x03\x01");
    EXPECT_EQ(error_of_call([&] { EXPECT_EQ(test::read_all(slow), ""); }), 0);
    EXPECT_TRUE(comes_true([&] { return server->counters().tcp.timed_out == 1; }));
    server.stop();
  });
}

TEST_F(HttpTls, ACertificateThatIsNotThereIsAnErrorAtOnce) {
  EXPECT_THAT(test::text_of_error([] {
                http_over_tls({.certificate = {"/no/such.pem", "/no"}});
              }),
              testing::HasSubstr("/no/such.pem"));
}

}  // namespace
}  // namespace colibri
