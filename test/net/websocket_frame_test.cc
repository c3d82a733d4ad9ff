// The frames of a WebSocket: which ones are refused, and when that is seen.
#include "colibri/net/websocket_frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "colibri/net/utf8_check.h"

namespace colibri::net_detail {
namespace {

using namespace std::string_literals;

struct GoodHead {
  std::string bytes;
  WebSocketOpcode opcode;
  bool is_last;
  std::uint64_t payload_bytes;
};

const std::string kMask = "mask";

TEST(WebSocketFrame, GoodHeadsAreRead) {
  const GoodHead heads[] = {
      {"\x81\x80" + kMask, WebSocketOpcode::kText, true, 0},
      {"\x02\xfd" + kMask, WebSocketOpcode::kBinary, false, 125},
      {"\x80\xfe\x00\x7e"s + kMask, WebSocketOpcode::kContinuation, true, 126},
      {"\x00\xfe\xff\xff"s + kMask, WebSocketOpcode::kContinuation, false, 0xffff},
      {"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00"s + kMask, WebSocketOpcode::kBinary, true,
       0x10000},
      {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + kMask, WebSocketOpcode::kBinary, true,
       0x7fffffffffffffff},
      {"\x88\x82" + kMask, WebSocketOpcode::kClose, true, 2},
      {"\x89\xfd" + kMask, WebSocketOpcode::kPing, true, 125},
      {"\x8a\x80" + kMask, WebSocketOpcode::kPong, true, 0},
  };
  for (const GoodHead& each : heads) {
    for (std::size_t size = 0; size != each.bytes.size(); ++size) {
      EXPECT_FALSE(parse_websocket_frame(each.bytes.substr(0, size))) << size;
    }
    const auto head = parse_websocket_frame(each.bytes + "payload");
    ASSERT_TRUE(head) << testing::PrintToString(each.bytes);
    EXPECT_EQ(head->opcode, each.opcode);
    EXPECT_EQ(head->is_last, each.is_last);
    EXPECT_EQ(head->payload_bytes, each.payload_bytes);
    EXPECT_EQ(std::string(head->mask.data(), head->mask.size()), kMask);
    EXPECT_EQ(head->head_bytes, each.bytes.size());
    EXPECT_LE(head->head_bytes, kWebSocketMostHeadBytes);
  }
}

/// The code with which `call` refuses; 0 if it does not.
template <class Call>
int refusal_of(Call call) {
  try {
    call();
  } catch (const WebSocketRefusal& refusal) {
    return refusal.code();
  }
  return 0;
}

TEST(WebSocketFrame, BadHeadsAreRefusedAsSoonAsThatIsSeen) {
  struct Case {
    const char* what;
    std::string bytes;
    std::size_t seen_after;
  };
  const Case cases[] = {
      {"reserved bit 1", "\xc1\x80" + kMask, 1},
      {"reserved bit 2", "\xa1\x80" + kMask, 1},
      {"reserved bit 3", "\x91\x80" + kMask, 1},
      {"opcode 3", "\x83\x80" + kMask, 1},
      {"opcode 7", "\x87\x80" + kMask, 1},
      {"opcode 11", "\x8b\x80" + kMask, 1},
      {"opcode 15", "\x8f\x80" + kMask, 1},
      {"no mask", "\x81\x05hello", 2},
      {"a ping in parts", "\x09\x80" + kMask, 2},
      {"a close in parts", "\x08\x80" + kMask, 2},
      {"a long ping", "\x89\xfe\x00\x7e"s + kMask, 2},
      {"a longer ping", "\x89\xff\x00\x00\x00\x00\x00\x01\x00\x00"s + kMask, 2},
      {"125 in two bytes", "\x81\xfe\x00\x7d"s + kMask, 8},
      {"65,535 in eight bytes", "\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff"s + kMask, 14},
      {"a negative length", "\x81\xff\x80\x00\x00\x00\x00\x01\x00\x00"s + kMask, 14},
  };
  for (const Case& each : cases) {
    for (std::size_t size = 0; size <= each.bytes.size(); ++size) {
      const int wanted = size >= each.seen_after ? kWebSocketProtocolError : 0;
      EXPECT_EQ(refusal_of([&] { parse_websocket_frame(each.bytes.substr(0, size)); }), wanted)
          << each.what << ", " << size << " bytes";
    }
  }
}

TEST(WebSocketFrame, MasksComeOffWhereverAPieceBegins) {
  const std::array<char, 4> mask = {'\x11', '\x22', '\x44', '\x88'};
  std::string plain;
  for (int i = 0; i < 100; ++i) plain += static_cast<char>(i * 7);
  std::string masked = plain;
  for (std::size_t i = 0; i != masked.size(); ++i) {
    masked[i] = static_cast<char>(masked[i] ^ mask[i % 4]);
  }
  for (std::size_t begin = 0; begin <= 12; ++begin) {
    for (std::size_t size = 0; size <= plain.size() - begin; ++size) {
      std::string piece = masked.substr(begin, size);
      unmask_websocket_payload(piece, mask, begin);
      ASSERT_EQ(piece, plain.substr(begin, size)) << begin << ", " << size;
    }
  }
}

TEST(WebSocketFrame, AServersHeadHasTheShortestLengthAndNoMask) {
  const auto head = [](std::uint64_t size) {
    return std::string(WebSocketFrameStart(WebSocketOpcode::kBinary, size).bytes());
  };
  EXPECT_EQ(head(0), "\x82\x00"s);
  EXPECT_EQ(head(125), "\x82\x7d"s);
  EXPECT_EQ(head(126), "\x82\x7e\x00\x7e"s);
  EXPECT_EQ(head(65535), "\x82\x7e\xff\xff"s);
  EXPECT_EQ(head(65536), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST(WebSocketFrame, ClosingFramesSayWhatTheyMay) {
  EXPECT_EQ(parse_websocket_close("").code, kWebSocketNoCode);
  EXPECT_EQ(parse_websocket_close("\x03\xe8").code, 1000);
  EXPECT_EQ(parse_websocket_close("\x03\xe8good\xc3\xa4").reason, "good\xc3\xa4");
  EXPECT_EQ(refusal_of([] { parse_websocket_close("\x03"); }), kWebSocketProtocolError);
  EXPECT_EQ(refusal_of([] { parse_websocket_close("\x03\xe8\xc3"); }), kWebSocketBadText);
  struct Range {
    unsigned first;
    unsigned last;
    bool may_be;
  };
  const Range ranges[] = {
      {0, 999, false},     {1000, 1003, true}, {1004, 1006, false},   {1007, 1014, true},
      {1015, 2999, false}, {3000, 4999, true}, {5000, 0xffff, false},
  };
  for (const Range& each : ranges) {
    for (const unsigned code : {each.first, each.last}) {
      const std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
      EXPECT_EQ(refusal_of([&] { parse_websocket_close(payload); }) == 0, each.may_be) << code;
    }
  }
}

TEST(Utf8Check, KnowsGoodTextAndSeesBadTextAtOnce) {
  const char* good[] = {"", "abc\x7f", "\xc2\x80\xdf\xbf",
                        "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
                        "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"};
  for (const char* text : good) {
    Utf8Check whole;
    EXPECT_TRUE(whole.add(text) && whole.is_complete()) << text;
    Utf8Check in_pieces;
    for (const char c : std::string(text)) EXPECT_TRUE(in_pieces.add({&c, 1})) << text;
    EXPECT_TRUE(in_pieces.is_complete());
  }
  const char* bad[] = {"\x80",     "\xbf",     "\xc0",          "a\xc1",           "\xc2\xc2",
                       "\xe0\x9f", "\xed\xa0", "\xe1\x80\x7f",  "\xf0\x8f",        "\xf4\x90",
                       "\xf5",     "\xff",     "\xf1\x80\x80z", "\xe0\xa0\x80\x80"};
  for (const char* text : bad) {
    Utf8Check check;
    const std::string_view all(text);
    EXPECT_TRUE(check.add(all.substr(0, all.size() - 1))) << text;
    EXPECT_FALSE(check.add(all.substr(all.size() - 1))) << text;
  }
  for (const char* text : {"\xc2", "a\xe0\xa0", "\xf0\x90\x80"}) {
    Utf8Check check;
    EXPECT_TRUE(check.add(text));
    EXPECT_FALSE(check.is_complete()) << text;
  }
}

}  // namespace
}  // namespace colibri::net_detail
