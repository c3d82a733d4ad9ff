#include "test/net/websocket_client.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <utility>

namespace colibri::test {
namespace {

std::string read_bytes(HttpClient& client, std::size_t size) {
  std::string bytes(size, '\0');
  const bool is_there = client.reader().read_exactly(std::as_writable_bytes(std::span(bytes)));
  return is_there || size == 0 ? bytes : "";
}

}  // namespace

std::string handshake_request(const std::string& fields, const std::string& first) {
  return first + "\r\nHost: x\r\n" + fields + "\r\n";
}

void shake_hands(HttpClient& client) {
  EXPECT_EQ(client.ask(handshake_request(kUpgrade + kVersion + kKey)).status, 101);
}

std::string frame(unsigned first_byte, std::string payload) {
  static unsigned mask = 0x01020304;
  mask = mask * 1664525 + 1013904223;
  std::string text{static_cast<char>(first_byte)};
  if (payload.size() < 126) {
    text += static_cast<char>(0x80 | payload.size());
  } else {
    const bool is_long = payload.size() > 0xffff;
    text += static_cast<char>(0x80 | (is_long ? 127 : 126));
    for (int byte = is_long ? 7 : 1; byte >= 0; --byte) {
      text += static_cast<char>(payload.size() >> (8 * byte));
    }
  }
  for (int byte = 0; byte < 4; ++byte) text += static_cast<char>(mask >> (8 * byte));
  for (std::size_t i = 0; i != payload.size(); ++i) {
    payload[i] = static_cast<char>(payload[i] ^ static_cast<char>(mask >> (8 * (i % 4))));
  }
  return text + payload;
}

std::string text_frame(const std::string& text) {
  return frame(0x81, text);
}

std::string close_frame(unsigned code, const std::string& reason) {
  return frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + reason);
}

unsigned Frame::code() const {
  if (first_byte != 0x88 || payload.size() < 2) return 0;
  return static_cast<unsigned>(static_cast<std::uint8_t>(payload[0])) << 8 |
         static_cast<std::uint8_t>(payload[1]);
}

Frame read_frame(HttpClient& client) {
  const std::string head = read_bytes(client, 2);
  if (head.empty()) return {};
  std::size_t size = static_cast<std::uint8_t>(head[1]);
  EXPECT_LT(size, 128U) << "a server masks nothing";
  if (size >= 126) {
    const std::string length = read_bytes(client, size == 126 ? 2 : 8);
    size = 0;
    for (const char c : length) size = size << 8 | static_cast<std::uint8_t>(c);
  }
  return {.first_byte = static_cast<std::uint8_t>(head[0]), .payload = read_bytes(client, size)};
}

void echo_messages(WebSocket& socket) {
  while (const auto message = socket.receive()) {
    if (message->is_text) {
      socket.send_text(message->data);
    } else {
      socket.send_binary(std::as_bytes(std::span(message->data)));
    }
  }
}

RunningWebSockets::RunningWebSockets(WebSocket::Handler handler, const WebSocketOptions& options)
    : RunningHttpServer([handler = std::move(handler), options](HttpExchange& exchange) {
        WebSocket::serve(exchange, handler, options);
      }) {}

}  // namespace colibri::test
