// The frames of a WebSocket, RFC 6455, section 5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace colibri::net_detail {

enum class WebSocketOpcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

/// Codes that a closing frame may give, of section 7.4.1.
inline constexpr std::uint16_t kWebSocketNormal = 1000;
inline constexpr std::uint16_t kWebSocketGoingAway = 1001;
inline constexpr std::uint16_t kWebSocketProtocolError = 1002;
inline constexpr std::uint16_t kWebSocketNoCode = 1005;    // the peer gave none; never sent
inline constexpr std::uint16_t kWebSocketAbnormal = 1006;  // no closing frame came; never sent
inline constexpr std::uint16_t kWebSocketBadText = 1007;
inline constexpr std::uint16_t kWebSocketTooBig = 1009;
inline constexpr std::uint16_t kWebSocketServerError = 1011;

/// What the peer did that ends the connection, with the code that tells it.
class WebSocketRefusal : public std::runtime_error {
 public:
  WebSocketRefusal(std::uint16_t code, const std::string& text)
      : std::runtime_error(text), code_(code) {}
  std::uint16_t code() const noexcept { return code_; }

 private:
  std::uint16_t code_;
};

/// What a frame begins with.
struct WebSocketFrameHead {
  WebSocketOpcode opcode;
  bool is_last;  // of its message
  std::uint64_t payload_bytes;
  std::array<char, 4> mask;
  std::size_t head_bytes;  // of this

  bool is_control() const noexcept { return opcode >= WebSocketOpcode::kClose; }
};

/// The longest head of a frame from a client.
inline constexpr std::size_t kWebSocketMostHeadBytes = 14;

/// The head of a client's frame that `bytes` begin with; nothing if more must come. Throws
/// WebSocketRefusal (kWebSocketProtocolError) for one that no client may send, as soon as that can
/// be seen.
std::optional<WebSocketFrameHead> parse_websocket_frame(std::string_view bytes);

/// Takes the mask off bytes that begin at `offset` within the payload.
void unmask_websocket_payload(std::span<char> bytes, std::array<char, 4> mask,
                              std::uint64_t offset) noexcept;

/// The head of a server's frame: a whole message, or a control frame.
class WebSocketFrameStart {
 public:
  WebSocketFrameStart(WebSocketOpcode opcode, std::uint64_t payload_bytes) noexcept;
  std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 10> bytes_{};
  std::size_t size_ = 2;
};

/// What a closing frame says.
struct WebSocketClose {
  std::uint16_t code;
  std::string reason;
};

/// Whether a closing frame may have this code.
bool may_send_websocket_code(std::uint16_t code) noexcept;

/// Of its payload. Throws WebSocketRefusal for a code that may not be sent, and a reason that is no
/// UTF-8.
WebSocketClose parse_websocket_close(std::string_view payload);

}  // namespace colibri::net_detail
