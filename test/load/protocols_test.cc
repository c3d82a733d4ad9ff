// The load tester's protocols against servers that keep to them, and against some that do not.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "samples/load_test/load.h"
#include "test/load/scripted_server.h"
#include "test/net/test_certificates.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using load_test::ErrorKind;
using load_test::Options;
using load_test::Protocol;
using load_test::Result;
using namespace std::chrono_literals;

/// Some load for a short time; what hangs is waited for long.
Options short_load(const ScriptedServer& server, Protocol protocol) {
  Options options;
  options.port = server.port();
  options.protocol = protocol;
  options.connections = 10;
  options.threads = 2;
  // Long enough for a reply of each kind, however slow everything is.
  options.duration = in_valgrind() ? 10s : 500ms;
  options.connect_timeout = 60s;
  options.grace = 60s;
  options.verify = true;
  return options;
}

std::uint64_t errors_of(const Result& result, ErrorKind kind) {
  return result.statistics->errors[static_cast<std::size_t>(kind)].value();
}

void expect_flawless(const Result& result) {
  EXPECT_EQ(result.complaint(), "");
  EXPECT_EQ(result.statistics->established.value(), result.options.connections);
  EXPECT_GT(result.statistics->messages.value(), 0U);
  EXPECT_EQ(result.statistics->unanswered, 0U);
  EXPECT_EQ(result.statistics->error_count(), 0U);
}

struct Flavour {
  const char* name;
  Protocol protocol;
  std::uint64_t bytes;
  std::uint32_t depth;
  double rate;
};

const std::vector<Flavour> kFlavours = {
    {"echo", Protocol::kEcho, 64, 1, 0},
    {"echo of much", Protocol::kEcho, 300'000, 2, 0},
    {"echo at a rate", Protocol::kEcho, 64, 0, 1000},
    {"frames", Protocol::kFramedEcho, 100, 4, 0},
    {"long frames at a rate", Protocol::kFramedEcho, 50'000, 0, 200},
    {"GET", Protocol::kHttp, 0, 1, 0},
    {"GET, many at once", Protocol::kHttp, 0, 8, 0},
    {"GET at a rate", Protocol::kHttp, 0, 1, 1000},
    {"POST", Protocol::kHttp, 5000, 1, 0},
    {"POST of much", Protocol::kHttp, 300'000, 2, 0},
};

Options with(const Flavour& flavour, Options options) {
  (flavour.protocol == Protocol::kHttp ? options.body_bytes : options.message_bytes) =
      flavour.bytes;
  options.depth = flavour.depth;
  options.rate = flavour.rate;
  return options;
}

ScriptedServer::Script server_of(Protocol protocol) {
  return protocol == Protocol::kHttp ? http_script : echo_script;
}

TEST(ProtocolsTest, EveryMessageIsAnswered) {
  for (const Flavour& flavour : kFlavours) {
    SCOPED_TRACE(flavour.name);
    ScriptedServer server(server_of(flavour.protocol));
    expect_flawless(load_test::run(with(flavour, short_load(server, flavour.protocol))));
  }
}

TEST(ProtocolsTest, EveryMessageIsAnsweredOverTls) {
  const TestAuthority authority;
  const TlsServerContext context({.certificate = authority.issue("localhost")});
  for (const Flavour& flavour : kFlavours) {
    SCOPED_TRACE(flavour.name);
    ScriptedServer server(server_of(flavour.protocol), context);
    Options options = with(flavour, short_load(server, flavour.protocol));
    options.tls = true;
    options.authorities = authority.file();
    options.server_name = "localhost";
    options.idle = 5;
    const Result result = load_test::run(options);
    expect_flawless(result);
    EXPECT_EQ(result.statistics->idle_established.value(), 5U);
  }
}

TEST(ProtocolsTest, ACertificateForSomebodyElseIsAnError) {
  const TestAuthority authority;
  const TlsServerContext context({.certificate = authority.issue("localhost")});
  ScriptedServer server(echo_script, context);
  Options options = short_load(server, Protocol::kEcho);
  options.threads = 1;
  options.tls = true;
  options.authorities = authority.file();
  options.server_name = "example.org";
  const Result refused = load_test::run(options);
  EXPECT_GT(errors_of(refused, ErrorKind::kTls), 0U);
  EXPECT_EQ(errors_of(refused, ErrorKind::kTls), refused.statistics->error_count());
  EXPECT_NE(refused.complaint().find("certificate verify failed"), std::string::npos)
      << refused.complaint();

  options.verify_server = false;
  expect_flawless(load_test::run(options));
}

TEST(ProtocolsTest, ConnectionsThatTheServerClosesInOrderAreRenewed) {
  for (double rate : {0.0, 1000.0}) {
    for (std::uint32_t depth : {1, 5}) {
      ScriptedServer server([](StreamReference stream) {
        HttpRequests requests(stream);
        for (int number = 1; requests.read_one(); ++number) {
          const bool last = number == 3;
          const auto response = http_response(200, "hello", last ? "Connection: close\r\n" : "");
          stream.write_all(std::as_bytes(std::span(response)));
          if (!last) continue;
          // As servers do: closed before the client has read it all, an answer could be lost.
          while (requests.read_one()) {
          }
          return;
        }
      });
      Options options = short_load(server, Protocol::kHttp);
      options.rate = rate;
      options.depth = depth;
      const Result result = load_test::run(options);
      expect_flawless(result);
      EXPECT_GT(result.statistics->renewed, 0U);
    }
  }
}

// The next message is due in a thousand seconds: nothing is owed.
TEST(ProtocolsTest, AnHttpServerMayCloseAConnectionThatWantsNothing) {
  ScriptedServer server([](StreamReference stream) {
    HttpRequests requests(stream);
    const auto response = http_response(200, "hello");
    if (requests.read_one()) stream.write_all(std::as_bytes(std::span(response)));
  });
  Options options = short_load(server, Protocol::kHttp);
  options.connections = 1;
  options.threads = 1;
  options.rate = 0.001;
  options.duration = 1s;
  expect_flawless(load_test::run(options));
}

struct Misbehaviour {
  const char* name;
  ErrorKind kind;
  Protocol protocol;
  ScriptedServer::Script script;
};

/// Answers the first request with this, and closes.
ScriptedServer::Script answering(std::string text) {
  return [text = std::move(text)](StreamReference stream) {
    HttpRequests requests(stream);
    if (requests.read_one()) stream.write_all(std::as_bytes(std::span(text)));
  };
}

/// Echoes the first bytes as `change` leaves them, and then all as it should.
ScriptedServer::Script echoing(void (*change)(std::vector<std::byte>& bytes)) {
  return [change](StreamReference stream) {
    std::vector<std::byte> bytes(4096);
    bytes.resize(stream.read_some(bytes));
    change(bytes);
    stream.write_all(bytes);
    echo_script(stream);
  };
}

const std::vector<Misbehaviour> kMisbehaviours = {
    {"short body", ErrorKind::kShortBody, Protocol::kHttp,
     answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")},
    {"no HTTP", ErrorKind::kBadReply, Protocol::kHttp, answering("hello\r\n\r\n")},
    {"closed", ErrorKind::kClosed, Protocol::kHttp, answering("")},
    {"two replies to one request", ErrorKind::kMismatch, Protocol::kHttp,
     answering(http_response(200, "a") + http_response(200, "a"))},
    {"closed", ErrorKind::kClosed, Protocol::kEcho, [](StreamReference) {}},
    {"wrong byte", ErrorKind::kMismatch, Protocol::kEcho,
     echoing([](std::vector<std::byte>& bytes) { bytes[20] ^= std::byte{1}; })},
    {"wrong length", ErrorKind::kMismatch, Protocol::kFramedEcho,
     echoing([](std::vector<std::byte>& bytes) { bytes[3] ^= std::byte{1}; })},
    {"more than was sent", ErrorKind::kMismatch, Protocol::kEcho,
     echoing([](std::vector<std::byte>& bytes) { bytes.resize(bytes.size() + 1); })},
};

TEST(ProtocolsTest, EveryWrongAnswerIsAnErrorOfItsKindAndLosesTheConnection) {
  for (const Misbehaviour& each : kMisbehaviours) {
    SCOPED_TRACE(each.name);
    ScriptedServer server(each.script);
    Options options = short_load(server, each.protocol);
    options.verify = each.protocol == Protocol::kEcho;
    const Result result = load_test::run(options);
    EXPECT_EQ(errors_of(result, each.kind), options.connections);
    EXPECT_EQ(result.statistics->error_count(), options.connections);
    EXPECT_EQ(result.statistics->lost.value(), options.connections);
    EXPECT_FALSE(result.good());
  }
}

TEST(ProtocolsTest, ARefusalIsAnErrorAndTheConnectionGoesOn) {
  std::atomic<std::uint64_t> refusals{0};
  ScriptedServer server([&refusals](StreamReference stream) {
    HttpRequests requests(stream);
    for (int number = 0; requests.read_one(); ++number) {
      const bool refuses = number % 2 == 1;
      if (refuses) ++refusals;
      const auto response = refuses ? http_response(503, "later") : http_response(200, "hello");
      stream.write_all(std::as_bytes(std::span(response)));
    }
  });
  const Result result = load_test::run(short_load(server, Protocol::kHttp));
  EXPECT_EQ(errors_of(result, ErrorKind::kBadStatus), refusals);
  EXPECT_EQ(result.statistics->error_count(), refusals);
  EXPECT_GT(refusals, 0U);
  EXPECT_GT(result.statistics->messages.value(), 0U);
  EXPECT_EQ(result.statistics->lost.value(), 0U);
  EXPECT_EQ(result.statistics->unanswered, 0U);
  EXPECT_NE(result.complaint().find("HTTP status 503"), std::string::npos) << result.complaint();
}

}  // namespace
}  // namespace colibri::test
