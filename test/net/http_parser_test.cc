// HttpRequestParser: what is read out of good requests, and which ones are refused.
//
// The table of refusals has the shapes by which requests are smuggled past proxies. Each is parsed
// in one piece and byte by byte, since the answer must not depend on how TCP cuts.
#include "colibri/net/http_parser.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace colibri::net_detail {
namespace {

using namespace std::string_literals;

constexpr std::size_t kHeaderBytes = 1000;
constexpr std::uint64_t kBodyBytes = 100;

struct Outcome {
  int status = 0;  // with which it was refused; 0: it was not
  bool is_done = false;
  HttpRequest request{};
  std::string body{};
  std::size_t used = 0;
  bool keep_alive = false;
};

/// Goes on with what a connection has read, `text`. False if more must come.
bool goes_on(HttpRequestParser& parser, std::string_view text, bool in_body, std::string& room,
             Outcome& outcome) {
  const std::string_view rest = text.substr(outcome.used);
  if (!in_body) {
    const std::size_t size = parser.parse_head(rest.substr(0, kHeaderBytes), outcome.request);
    outcome.used += size;
    return size != 0;
  }
  const auto [used, copied] = parser.parse_body(rest, std::as_writable_bytes(std::span(room)));
  outcome.used += used;
  outcome.body.append(room, 0, copied);
  return copied != 0;
}

/// Parses `text`, of which `step` bytes more are there each time, with room for `room_bytes` of
/// the body.
Outcome parse(const std::string& text, std::size_t step, std::size_t room_bytes = 7) {
  Outcome outcome;
  HttpRequestParser parser(kHeaderBytes, kBodyBytes);
  std::string room(room_bytes, '\0');
  bool in_body = false;
  try {
    for (std::size_t there = 0; there != text.size() && !outcome.is_done;) {
      there = std::min(there + step, text.size());
      while (!outcome.is_done && goes_on(parser, {text.data(), there}, in_body, room, outcome)) {
        in_body = true;
        outcome.is_done = parser.is_done();
      }
      outcome.is_done = in_body && parser.is_done();
    }
    if (outcome.is_done) outcome.keep_alive = parser.keep_alive();
  } catch (const HttpError& error) {
    outcome.status = error.status();
  }
  return outcome;
}

constexpr std::array<std::size_t, 3> kSteps = {1, 5, std::size_t{1} << 20};

TEST(HttpRequestParser, ReadsAHead) {
  const std::string text =
      "POST /a?b=%20 HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nX-Blanks: \t a \t b\t \r\n"
      "content-length: 0\r\n\r\nGET";
  for (const std::size_t step : kSteps) {
    const Outcome outcome = parse(text, step);
    ASSERT_EQ(outcome.status, 0) << step;
    ASSERT_TRUE(outcome.is_done);
    EXPECT_EQ(outcome.used, text.size() - 3);
    EXPECT_EQ(outcome.request.method, "POST");
    EXPECT_EQ(outcome.request.target, "/a?b=%20");
    EXPECT_EQ(outcome.request.minor_version, 1);
    ASSERT_EQ(outcome.request.fields.size(), 4U);
    EXPECT_EQ(outcome.request.fields.find("X-Empty"), "");
    EXPECT_EQ(outcome.request.fields.find("X-Blanks"), "a \t b");
  }
}

TEST(HttpRequestParser, ReadsBodies) {
  struct Case {
    const char* framing;
    std::string wire;
    std::string body;
  };
  const Case cases[] = {
      {"Content-Length: 5", "hello", "hello"},
      {"Content-Length: 0", "", ""},
      {"Content-Length: 0000000000000000000000003", "abc", "abc"},
      {"Content-Length: 100", std::string(100, 'x'), std::string(100, 'x')},
      {"Transfer-Encoding: chunked", "0\r\n\r\n", ""},
      {"Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"Transfer-Encoding: Chunked", "1\r\na\r\n0a\r\n0123456789\r\n000\r\n\r\n", "a0123456789"},
      {"Transfer-Encoding: chunked", "3;a=b;c=\"d;\\\"\"\r\nabc\r\n0;x\r\n\r\n", "abc"},
      {"Transfer-Encoding: chunked", "3\r\n\r\n\r\r\n0\r\nX-Trailer: 1\r\n\r\n", "\r\n\r"},
  };
  for (const Case& each : cases) {
    const std::string text =
        "POST / HTTP/1.1\r\nHost: x\r\n"s + each.framing + "\r\n\r\n" + each.wire;
    for (const std::size_t step : kSteps) {
      for (const std::size_t room : {1U, 7U, 1000U}) {
        const Outcome outcome = parse(text + "GET /", step, room);
        EXPECT_EQ(outcome.status, 0) << text;
        EXPECT_TRUE(outcome.is_done) << text;
        EXPECT_EQ(outcome.body, each.body) << text;
        EXPECT_EQ(outcome.used, text.size()) << text;
      }
    }
  }
}

TEST(HttpRequestParser, TrailersAreNoFields) {
  const Outcome outcome = parse(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: y\r\n\r\n", 1000);
  ASSERT_TRUE(outcome.is_done);
  EXPECT_EQ(outcome.request.fields.size(), 2U);
  EXPECT_EQ(outcome.request.fields.find("Host"), "x");
}

TEST(HttpRequestParser, KnowsWhetherTheConnectionStays) {
  struct Case {
    const char* head;
    bool stays;
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", true},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
  };
  for (const Case& each : cases) {
    const Outcome outcome = parse(each.head, 1000);
    EXPECT_TRUE(outcome.is_done) << each.head;
    EXPECT_EQ(outcome.keep_alive, each.stays) << each.head;
  }
}

struct Refusal {
  int status;
  std::string text;
};

const std::string kGet = "GET / HTTP/1.1\r\n";
const std::string kHost = "Host: x\r\n";
const std::string kHead = "POST / HTTP/1.1\r\nHost: x\r\n";
const std::string kChunked = kHead + "Transfer-Encoding: chunked\r\n\r\n";

const Refusal kRefusals[] = {
    // Request lines.
    {400, "GET /\r\n\r\n"},
    {400, " GET / HTTP/1.1\r\n" + kHost + "\r\n"},
    {400, "GET  / HTTP/1.1\r\n" + kHost + "\r\n"},
    {400, "GET /  HTTP/1.1\r\n" + kHost + "\r\n"},
    {400, "GET / HTTP/1.1 \r\n" + kHost + "\r\n"},
    {400, "GET\t/\tHTTP/1.1\r\n" + kHost + "\r\n"},
    {400, "G(T / HTTP/1.1\r\n" + kHost + "\r\n"},
    {400, "GET /\x01 HTTP/1.1\r\n" + kHost + "\r\n"},
    {400, "GET / HTP/1.1\r\n" + kHost + "\r\n"},
    {400, "GET / http/1.1\r\n" + kHost + "\r\n"},
    {400, "GET / HTTP/1.12\r\n" + kHost + "\r\n"},
    {400, "GET / HTTP/11\r\n" + kHost + "\r\n"},
    {400, "\x16\x03\x01\x02\x01\x01\xfc\x03\x03zzzzzzzzzzzzzzzzz"},  // TLS
    {505, "GET / HTTP/2.0\r\n" + kHost + "\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {505, "GET / HTTP/1.2\r\n" + kHost + "\r\n"},
    {505, "GET / HTTP/0.9\r\n" + kHost + "\r\n"},
    {501, "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"},
    {400, "GET / HTT\r\n\r\n"},
    // Ends of lines.
    {400, "GET / HTTP/1.1\n" + kHost + "\r\n"},
    {400, "GET / HTTP/1.1\r" + kHost + "\r\n"},
    {400, kGet + "Host: x\nX: y\r\n\r\n"},
    {400, kGet + "Host: x\rX: y\r\n\r\n"},
    {400, kGet + kHost + "X: a\r\r\n\r\n"},
    {400, kGet + kHost + "X: a\0b\r\n\r\n"s},
    {400, kGet + kHost + "\rX: y\r\n\r\n"},
    // Folded lines.
    {400, kGet + kHost + "X: a\r\n b\r\n\r\n"},
    {400, kGet + kHost + "X: a\r\n\tb\r\n\r\n"},
    {400, kGet + kHost + "X:\r\n b\r\n\r\n"},
    {400, kGet + kHost + "X: a\r\n \r\n\r\n"},
    {400, kGet + kHost + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
    {400, kGet + " X: a\r\n" + kHost + "\r\n"},
    // Names.
    {400, kGet + "Host : x\r\n\r\n"},
    {400, kGet + kHost + "Content-Length : 5\r\n\r\nhello"},
    {400, kGet + kHost + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"},
    {400, kGet + kHost + ": a\r\n\r\n"},
    {400, kGet + kHost + "a\r\n\r\n"},
    {400, kGet + kHost + "\xc3\xa4: a\r\n\r\n"},
    {400, kGet + kHost + "a\x0b: a\r\n\r\n"},
    // Host.
    {400, kGet + "\r\n"},
    {400, kGet + kHost + kHost + "\r\n"},
    {400, "GET / HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n"},
    // Content-Length.
    {400, kHead + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
    {400, kHead + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
    {400, kHead + "Content-Length: 5, 5\r\n\r\nhello"},
    {400, kHead + "Content-Length: 5,\r\n\r\nhello"},
    {400, kHead + "Content-Length: +5\r\n\r\nhello"},
    {400, kHead + "Content-Length: -1\r\n\r\nhello"},
    {400, kHead + "Content-Length: 0x5\r\n\r\nhello"},
    {400, kHead + "Content-Length: 5 5\r\n\r\nhello"},
    {400, kHead + "Content-Length: 5.0\r\n\r\nhello"},
    {400, kHead + "Content-Length: \"5\"\r\n\r\nhello"},
    {400, kHead + "Content-Length:\r\n\r\n"},
    {400, kHead + "Content-Length: 18446744073709551616\r\n\r\n"},
    {413, kHead + "Content-Length: 101\r\n\r\n"},
    {413, kHead + "Content-Length: 18446744073709551615\r\n\r\n"},
    // Both, and other encodings.
    {400, kHead + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, kHead + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
    {400, kHead + "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello"},
    {501, kHead + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello"},
    {501, kHead + "Transfer-Encoding: gzip\r\n\r\n"},
    {501, kHead + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {501, kHead + "Transfer-Encoding: chunked, gzip\r\n\r\n"},
    {501, kHead + "Transfer-Encoding: xchunked\r\n\r\n"},
    {501, kHead + "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"},
    {501, kHead + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
    {501, kHead + "Transfer-Encoding:\r\n\r\n0\r\n\r\n"},
    {501, kHead + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, kHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, kHead + "Transfer-Encoding: \x0b"
                  "chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {417, kHead + "Expect: 200-ok\r\n\r\n"},
    // Chunks.
    {400, kChunked + "\r\n0\r\n\r\n"},
    {400, kChunked + " 5\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "+5\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "-5\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "0x5\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "5_0\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "g\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "5 \r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "5\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "5\rhello\r\n0\r\n\r\n"},
    {400, kChunked + "5\r\nhelloX\r\n0\r\n\r\n"},
    {400, kChunked + "5\r\nhello0\r\n\r\n"},
    {400, kChunked + "5\r\nhello\n0\r\n\r\n"},
    {400, kChunked + "5;\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "5;a=\"\r\nhello\r\n0\r\n\r\n\"x"},
    {400, kChunked + "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "5;a=\"\x01\"\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "5;a=b\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "0;a=\"\n\"\r\n\r\n"},
    {400, kChunked + "10000000000000000\r\nhello\r\n0\r\n\r\n"},
    {400, kChunked + "0\r\nA : b\r\n\r\n"},
    {400, kChunked + "0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, kChunked + "0\r\nContent-Length: 5\r\n\r\n"},
    {413, kChunked + "65\r\nx"},
    {413, kChunked + "1\r\na\r\n64\r\n"},
    {413, kChunked + "ffffffffffffffff\r\n"},
    // Too long.
    {414, "GET /" + std::string(1000, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n"},
    {414, "\r\nGET /" + std::string(1000, 'a')},
    {431, kGet + kHost + "X: " + std::string(1000, 'a') + "\r\n\r\n"},
    {431, kGet + kHost + std::string(1000, 'a')},
};

TEST(HttpRequestParser, RefusesWhatCouldBeMisunderstood) {
  for (const Refusal& each : kRefusals) {
    for (const std::size_t step : kSteps) {
      EXPECT_EQ(parse(each.text, step).status, each.status)
          << testing::PrintToString(each.text) << " in steps of " << step;
    }
  }
}

TEST(HttpRequestParser, TheLimitOfAHeadIsExactHoweverItComes) {
  const std::string start = kGet + kHost;
  std::string fields;
  while (start.size() + fields.size() + 7 <= kHeaderBytes - 2) fields += "a: b \r\n";
  const std::size_t rest = kHeaderBytes - 2 - start.size() - fields.size();
  fields.insert(fields.size() - 2, rest, ' ');
  const std::string fits = start + fields + "\r\n";
  ASSERT_EQ(fits.size(), kHeaderBytes);
  for (const std::size_t step : kSteps) {
    EXPECT_TRUE(parse(fits, step).is_done) << step;
    EXPECT_EQ(parse(start + "x" + fields + "\r\n", step).status, 431) << step;
  }
}

TEST(HttpRequestParser, WhatCannotBecomeARequestIsRefusedBeforeItsEnd) {
  for (const std::string& text : {
           "\x16"s,
           "GET / HTTP/1.1\n"s,
           "\n"s,
           kGet + "Host: x\n",
           kGet + "Host: x\rX",
           kGet + "\0"s,
           kChunked + "5\n",
           kChunked + "5\r\nhello\n",
           kChunked + "5\r\nhelloXX\r\n0",
           kChunked + "0\n",
           kChunked + "0\r\nX: y\n",
       }) {
    for (const std::size_t step : kSteps) {
      EXPECT_EQ(parse(text, step).status, 400) << testing::PrintToString(text);
    }
  }
}

TEST(HttpRequestParser, ALineEndTooManyIsPassedOver) {
  const std::string text = "\r\n" + kGet + kHost + "\r\n";
  for (const std::size_t step : kSteps) {
    EXPECT_EQ(parse(text, step).used, text.size());
    EXPECT_EQ(parse("\r\n" + text, step).status, 400) << "and not two";
  }
}

TEST(HttpRequestParser, PassesOverBodies) {
  const std::string wire = "5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n";
  for (const std::size_t step : kSteps) {
    HttpRequestParser parser(kHeaderBytes, kBodyBytes);
    HttpRequest request;
    ASSERT_EQ(parser.parse_head(kChunked, request), kChunked.size());
    std::size_t used = 0;
    std::size_t passed = 0;
    for (std::size_t there = 0; there != wire.size();) {
      there = std::min(there + step, wire.size());
      const auto part = parser.skip_body({wire.data() + used, there - used});
      used += part.used;
      passed += part.copied;
    }
    EXPECT_TRUE(parser.is_done());
    EXPECT_EQ(used, wire.size());
    EXPECT_EQ(passed, 6U);
  }
}

TEST(HttpRequestParser, NoBeginningOfAGoodRequestIsRefused) {
  const std::string text = kChunked + "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t size = 1; size < text.size(); ++size) {
    const Outcome outcome = parse(text.substr(0, size), 1);
    EXPECT_EQ(outcome.status, 0) << size;
    EXPECT_FALSE(outcome.is_done) << size;
  }
}

}  // namespace
}  // namespace colibri::net_detail
