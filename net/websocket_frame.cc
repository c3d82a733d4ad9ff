#include "colibri/net/websocket_frame.h"

#include <cstring>

#include "colibri/net/utf8_check.h"

namespace colibri::net_detail {
namespace {

constexpr std::uint8_t kLastBit = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kTwoBytesFollow = 126;
constexpr std::uint8_t kEightBytesFollow = 127;
constexpr std::size_t kMaskBytes = 4;
constexpr std::size_t kMostControlBytes = 125;

[[noreturn]] void refuse(const char* what) {
  throw WebSocketRefusal(kWebSocketProtocolError, what);
}

std::uint8_t byte_at(std::string_view bytes, std::size_t place) noexcept {
  return static_cast<std::uint8_t>(bytes[place]);
}

std::uint64_t number_of(std::string_view bytes) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i != bytes.size(); ++i) number = number << 8 | byte_at(bytes, i);
  return number;
}

WebSocketOpcode opcode_of(std::uint8_t first) {
  const auto opcode = static_cast<std::uint8_t>(first & 0x0f);
  if ((opcode > 2 && opcode < 8) || opcode > 10) refuse("an unknown kind of frame");
  return static_cast<WebSocketOpcode>(opcode);
}

void check_second_byte(const WebSocketFrameHead& head, std::uint8_t second) {
  if ((second & kMaskBit) == 0) refuse("a frame without a mask");
  if (!head.is_control()) return;
  if (!head.is_last) refuse("a control frame in parts");
  if ((second & ~kMaskBit) > kMostControlBytes) refuse("a control frame that is too long");
}

std::size_t length_bytes_of(std::uint8_t second) noexcept {
  switch (second & ~kMaskBit) {
    case kTwoBytesFollow:
      return 2;
    case kEightBytesFollow:
      return 8;
    default:
      return 0;
  }
}

/// Section 5.2: "the minimal number of bytes MUST be used".
void check_length(std::uint64_t length, std::size_t bytes) {
  if (bytes == 2 && length < kTwoBytesFollow) refuse("a length that takes too many bytes");
  if (bytes == 8 && length < 0x10000) refuse("a length that takes too many bytes");
  if (length >> 63 != 0) refuse("a length beyond 63 bits");
}

}  // namespace

std::optional<WebSocketFrameHead> parse_websocket_frame(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  const std::uint8_t first = byte_at(bytes, 0);
  if ((first & kReservedBits) != 0) refuse("a reserved bit is set");
  WebSocketFrameHead head{.opcode = opcode_of(first),
                          .is_last = (first & kLastBit) != 0,
                          .payload_bytes = 0,
                          .mask = {},
                          .head_bytes = 2};
  if (bytes.size() < head.head_bytes) return std::nullopt;
  const std::uint8_t second = byte_at(bytes, 1);
  check_second_byte(head, second);
  const std::size_t length_bytes = length_bytes_of(second);
  head.head_bytes += length_bytes + kMaskBytes;
  if (bytes.size() < head.head_bytes) return std::nullopt;
  head.payload_bytes = static_cast<std::uint64_t>(second & ~kMaskBit);
  if (length_bytes != 0) {
    head.payload_bytes = number_of(bytes.substr(2, length_bytes));
    check_length(head.payload_bytes, length_bytes);
  }
  std::memcpy(head.mask.data(), bytes.data() + 2 + length_bytes, kMaskBytes);
  return head;
}

void unmask_websocket_payload(std::span<char> bytes, std::array<char, 4> mask,
                              std::uint64_t offset) noexcept {
  std::array<char, 8> pattern;
  for (std::size_t i = 0; i != pattern.size(); ++i) pattern[i] = mask[(offset + i) % kMaskBytes];
  std::uint64_t word = 0;
  std::memcpy(&word, pattern.data(), sizeof word);
  std::size_t done = 0;
  for (; bytes.size() - done >= sizeof word; done += sizeof word) {
    std::uint64_t piece = 0;
    std::memcpy(&piece, bytes.data() + done, sizeof piece);
    piece ^= word;
    std::memcpy(bytes.data() + done, &piece, sizeof piece);
  }
  for (; done != bytes.size(); ++done) {
    bytes[done] = static_cast<char>(bytes[done] ^ pattern[done % pattern.size()]);
  }
}

WebSocketFrameStart::WebSocketFrameStart(WebSocketOpcode opcode,
                                         std::uint64_t payload_bytes) noexcept {
  bytes_[0] = static_cast<char>(kLastBit | static_cast<std::uint8_t>(opcode));
  std::size_t length_bytes = 0;
  if (payload_bytes < kTwoBytesFollow) {
    bytes_[1] = static_cast<char>(payload_bytes);
  } else if (payload_bytes < 0x10000) {
    bytes_[1] = static_cast<char>(kTwoBytesFollow);
    length_bytes = 2;
  } else {
    bytes_[1] = static_cast<char>(kEightBytesFollow);
    length_bytes = 8;
  }
  for (std::size_t i = length_bytes; i != 0; --i) {
    bytes_[size_++] = static_cast<char>(payload_bytes >> (8 * (i - 1)));
  }
}

bool may_send_websocket_code(std::uint16_t code) noexcept {
  // Section 7.4: of the standard's own, those that may be sent; of the others, whatever is meant
  // for libraries and programs.
  const bool is_standard = code >= 1000 && code <= 1014 && code != 1004 &&
                           code != kWebSocketNoCode && code != kWebSocketAbnormal;
  return is_standard || (code >= 3000 && code <= 4999);
}

WebSocketClose parse_websocket_close(std::string_view payload) {
  if (payload.empty()) return {.code = kWebSocketNoCode, .reason = {}};
  if (payload.size() == 1) refuse("half a code in a closing frame");
  const auto code = static_cast<std::uint16_t>(number_of(payload.substr(0, 2)));
  if (!may_send_websocket_code(code)) refuse("a closing frame with a code that is none");
  const std::string_view reason = payload.substr(2);
  Utf8Check check;
  if (!check.add(reason) || !check.is_complete()) {
    throw WebSocketRefusal(kWebSocketBadText, "the reason in a closing frame is no UTF-8");
  }
  return {.code = code, .reason = std::string(reason)};
}

}  // namespace colibri::net_detail
