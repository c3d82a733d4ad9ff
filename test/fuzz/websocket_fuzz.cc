// Bytes as a client's WebSocket frames: a head does not depend on how it comes, the mask comes off
// in any pieces, and a closing frame says what may be said.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "colibri/net/websocket_frame.h"
#include "test/fuzz/expect.h"

using namespace colibri::net_detail;
using colibri::test::expect;

namespace {

/// As one who gets the bytes one by one.
std::optional<WebSocketFrameHead> parse_byte_by_byte(std::string_view bytes) {
  std::optional<WebSocketFrameHead> head;
  for (std::size_t known = 1; !head && known <= bytes.size(); ++known) {
    head = parse_websocket_frame(bytes.substr(0, known));
    expect(!head || head->head_bytes == known, "a head ends where it is first seen");
  }
  return head;
}

/// Unmasks the payload at once and in two pieces: it must be the same. Returns it.
std::string payload_of(std::string_view bytes, const WebSocketFrameHead& head) {
  std::string whole(bytes.substr(0, std::min<std::uint64_t>(head.payload_bytes, bytes.size())));
  std::string pieces = whole;
  const std::size_t half = pieces.size() / 2;
  unmask_websocket_payload(whole, head.mask, 0);
  unmask_websocket_payload(std::span(pieces).first(half), head.mask, 0);
  unmask_websocket_payload(std::span(pieces).subspan(half), head.mask, half);
  expect(whole == pieces, "the mask comes off in any pieces");
  return whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    while (!bytes.empty()) {
      const std::optional<WebSocketFrameHead> head = parse_byte_by_byte(bytes);
      if (!head) break;
      expect(head->head_bytes <= kWebSocketMostHeadBytes, "heads have a longest");
      bytes.remove_prefix(head->head_bytes);
      const std::string payload = payload_of(bytes, *head);
      bytes.remove_prefix(payload.size());
      if (head->opcode != WebSocketOpcode::kClose || payload.size() < head->payload_bytes) continue;
      const WebSocketClose close = parse_websocket_close(payload);
      expect(close.code == kWebSocketNoCode || may_send_websocket_code(close.code),
             "the code is one that may be sent");
    }
  } catch (const WebSocketRefusal& refusal) {
    expect(may_send_websocket_code(refusal.code()), "the answer's code may be sent");
  }
  return 0;
}
