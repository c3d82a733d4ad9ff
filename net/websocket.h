// WebSocket: messages both ways on one connection, RFC 6455, at a server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "colibri/core/mutex.h"
#include "colibri/net/http_exchange.h"
#include "colibri/net/utf8_check.h"
#include "colibri/net/websocket_frame.h"

namespace colibri {

struct WebSocketOptions {
  /// The most that a message may have; above, the connection ends with code 1009.
  std::size_t message_bytes = 1024 * 1024;
  /// A peer from which nothing comes for so long is pinged, and given up after as long again. Zero:
  /// it may be silent for ever.
  std::chrono::milliseconds ping{30'000};
};

struct WebSocketMessage {
  bool is_text = false;  // and UTF-8
  std::string data{};
};

/// One connection, while its handler is called. One coroutine at a time may receive; any coroutine
/// of this thread may send meanwhile. Lies in the heap; those that use it must have ended when the
/// handler returns.
class WebSocket {
 public:
  /// Talks with one client, until it returns.
  using Handler = std::function<void(WebSocket&)>;

  /// To be called by a handler of HTTP: agrees to what the request wants, and calls `handler`,
  /// after whose return the connection is closed: with code 1000, or what `close` has said; with
  /// 1011 if it throws, which is passed on.
  ///
  /// Throws HttpError (400, 405 or 426) for a request that does not ask for a WebSocket as it
  /// should. Whether its Origin may do so is for the caller to look at before.
  static void serve(HttpExchange& exchange, const Handler& handler,
                    const WebSocketOptions& options = {});

  /// The next message; nothing when the connection is over, of which close_code tells more. Answers
  /// pings; while another coroutine is sending, behind its message. Throws std::system_error:
  /// timed_out for a peer that does not answer its ping; otherwise as TcpStream does. A TimeLimit
  /// that is over within a message ends the connection, too.
  std::optional<WebSocketMessage> receive();

  /// Sends one message. Throws std::system_error: broken_pipe once the connection is being closed,
  /// or a send has failed, since that may have cut a frame; otherwise as TcpStream does. `text`
  /// must be UTF-8, which is not checked.
  void send_text(std::string_view text) { send(net_detail::WebSocketOpcode::kText, text); }
  void send_binary(std::span<const std::byte> bytes) {
    send(net_detail::WebSocketOpcode::kBinary,
         {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  /// Tells the peer that no more follows. What it still sends can be received, up to its own end.
  /// Does nothing if that was said already, or a send has failed. Throws std::invalid_argument for
  /// a code that may not be sent, and for a reason of more than 123 bytes; otherwise as TcpStream
  /// does.
  void close(std::uint16_t code = 1000, std::string_view reason = "");

  /// Why receive has returned nothing: what the peer has said, 1005 if that was nothing, 1006 if
  /// the connection just ended; or what it was told: 1001 when the server was asked to stop, 1002,
  /// 1007 or 1009.
  std::uint16_t close_code() const noexcept { return close_.code; }
  /// What the peer has said besides. UTF-8.
  const std::string& close_reason() const noexcept { return close_.reason; }

  /// For `serve`.
  WebSocket(net_detail::HttpTransport& transport, const WebSocketOptions& options) noexcept
      : transport_(transport), options_(options) {}
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

 private:
  using Opcode = net_detail::WebSocketOpcode;
  using FrameHead = net_detail::WebSocketFrameHead;

  std::optional<WebSocketMessage> receive_next();
  std::optional<WebSocketMessage> receive_message();
  bool leaves_at_stop();
  void consume(std::size_t size);
  std::optional<FrameHead> read_head();
  bool read_payload(const FrameHead& head, std::string& data, net_detail::Utf8Check* check);
  bool handle_control(const FrameHead& head);
  bool read_more();
  void leave();

  std::unique_lock<TimedMutex> lock_writing();
  void send(Opcode opcode, std::string_view payload);
  void send_owed_pong();
  bool may_write() const noexcept;
  void write_frame(Opcode opcode, std::string_view payload);
  void send_close(std::uint16_t code, std::string_view reason);
  void end(std::uint16_t code, std::string_view reason) noexcept;

  net_detail::HttpTransport& transport_;
  const WebSocketOptions options_;
  // A ping has come, and whoever is sending is to answer it. Changed between two waits, unguarded.
  std::optional<std::string> owed_pong_;
  TimedMutex writing_;          // a frame at a time
  bool is_closing_ = false;     // a closing frame was sent; guarded by writing_
  bool is_over_ = false;        // receive returns nothing any more
  bool has_heard_end_ = false;  // nothing will come any more, or nothing that can be read
  bool is_ending_ = false;      // the handler has returned
  bool is_within_message_ = false;
  std::optional<std::size_t> left_at_stop_;  // of what was here when the stop was seen
  net_detail::WebSocketClose close_{.code = net_detail::kWebSocketAbnormal, .reason = {}};
};

}  // namespace colibri
