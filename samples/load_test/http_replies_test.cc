#include "samples/load_test/http_replies.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <string>
#include <vector>

namespace load_test {
namespace {

/// Notes what it is told, and what went wrong.
class Listener final : public ReplySink {
 public:
  void take_reply() override { heard += "reply "; }
  void take_refusal(const std::string& reason) override { heard += '(' + reason + ") "; }

  std::string heard;
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// What is heard when `text` comes in pieces of `piece` bytes, and then, with `ends`, the end.
std::string hear(std::string_view text, std::size_t piece, bool ends, bool verify = false) {
  Listener listener;
  HttpReplies::Shared shared{verify, {}};
  HttpReplies replies(listener, shared);
  try {
    bool stays = true;
    for (; stays && !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
      stays = replies.take(bytes_of(text.substr(0, piece)), 1'000'000);
    }
    if (!stays) return listener.heard + "last";
    if (ends) return listener.heard + (replies.take_end() ? "ended" : "disorderly");
  } catch (const WrongReply& wrong) {
    return listener.heard + std::string(name_of(wrong.kind()));
  }
  return listener.heard;
}

struct Case {
  const char* name;
  std::string text;
  bool ends;
  std::string heard;
};

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

const std::vector<Case> kCases = {
    {"one", kHello, false, "reply "},
    {"pipelined", kHello + kHello + kHello, false, "reply reply reply "},
    {"end between two", kHello, true, "reply ended"},
    {"no body", "HTTP/1.1 204 No Content\r\n\r\n" + kHello, false, "reply reply "},
    {"chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n"
     "Trailer: x\r\n\r\n" +
         kHello,
     false, "reply reply "},
    {"interim", "HTTP/1.1 100 Continue\r\n\r\n" + kHello, false, "reply "},
    {"moved", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", false, "reply "},
    {"refusal", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno" + kHello, false,
     "(HTTP status 404) reply "},
    {"last", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", false,
     "reply last"},
    {"nothing behind the last",
     "HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx" + kHello, false,
     "(HTTP status 503) last"},
    {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, "reply last"},
    {"until the end", "HTTP/1.1 200 OK\r\n\r\nhello", true, "reply ended"},
    {"short body", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", true, "short_body"},
    {"short chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", true,
     "short_body"},
    {"short head", "HTTP/1.1 200 OK\r\nContent-Le", true, "short_body"},
    {"upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", false, "bad_reply"},
    {"no HTTP", "220 mail.example.org ESMTP\r\n\r\n", false, "bad_reply"},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", false,
     "bad_reply"},
};

TEST(HttpRepliesTest, HearsTheSameHoweverTheBytesCome) {
  for (const Case& each : kCases) {
    for (std::size_t piece : {1U, 2U, 3U, 7U, 30U, 4096U}) {
      EXPECT_EQ(hear(each.text, piece, each.ends), each.heard) << each.name << " by " << piece;
    }
  }
}

TEST(HttpRepliesTest, SeesABodyThatDiffersOnlyWhenItVerifies) {
  const std::string other = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo";
  EXPECT_EQ(hear(kHello + kHello + other, 4096, false, true), "reply reply mismatch");
  EXPECT_EQ(hear(kHello + kHello + other, 4096, false, false), "reply reply reply ");
}

TEST(HttpRepliesTest, ReadsANewConnectionFromItsBeginning) {
  Listener listener;
  HttpReplies::Shared shared;
  HttpReplies replies(listener, shared);
  replies.take(bytes_of(std::string_view(kHello).substr(0, 20)), 100);
  replies.restart();
  replies.take(bytes_of(kHello), 100);
  EXPECT_EQ(listener.heard, "reply ");
}

}  // namespace
}  // namespace load_test
