#include "colibri/net/websocket.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <utility>

#include "colibri/core/canceled.h"
#include "colibri/core/coroutine_exit.h"
#include "colibri/core/deadline.h"
#include "colibri/net/websocket_handshake.h"

namespace colibri {

using net_detail::WebSocketRefusal;

void WebSocket::serve(HttpExchange& exchange, const Handler& handler,
                      const WebSocketOptions& options) {
  const HttpFields answer = net_detail::accept_websocket(exchange.request());
  const auto socket = std::make_unique<WebSocket>(exchange.upgrade(answer), options);
  try {
    handler(*socket);
  } catch (const Canceled&) {
    throw;
  } catch (...) {
    if (!is_forced_unwind()) socket->end(net_detail::kWebSocketServerError, "");
    throw;
  }
  socket->end(net_detail::kWebSocketNormal, "");
}

/// Says so, if it was not said, and waits a little for the peer to say so too: it is for the server
/// to close the connection, and after that what comes would make the kernel reset it. What the peer
/// sent before is passed over.
void WebSocket::end(std::uint16_t code, std::string_view reason) noexcept {
  constexpr std::chrono::seconds kPatience(2);
  // A peer that waits for the rest of a frame answers nothing.
  if (transport_.writer().is_broken()) return;
  try {
    const TimeLimit limit(kPatience);
    close(code, reason);
    is_ending_ = true;
    while (!has_heard_end_) receive_next();
  } catch (const std::exception&) {
    // Then it ends without that.
  }
}

// Receiving --------------------------------------------------------------------------------------

std::optional<WebSocketMessage> WebSocket::receive() {
  if (is_over_) return std::nullopt;
  try {
    std::optional<WebSocketMessage> message = receive_next();
    is_over_ = !message;
    return message;
  } catch (...) {
    is_over_ = has_heard_end_;
    throw;
  }
}

std::optional<WebSocketMessage> WebSocket::receive_next() {
  try {
    return receive_message();
  } catch (const WebSocketRefusal& refusal) {
    has_heard_end_ = true;
    close_ = {.code = refusal.code(), .reason = {}};
    send_close(refusal.code(), refusal.what());
    return std::nullopt;
  } catch (...) {
    // Where the next frame begins is lost with what was read of this message.
    has_heard_end_ = has_heard_end_ || is_within_message_;
    throw;
  }
}

/// Nothing at the end.
std::optional<WebSocketMessage> WebSocket::receive_message() {
  WebSocketMessage message;
  net_detail::Utf8Check check;
  for (bool has_begun = false;;) {
    if (!has_begun && leaves_at_stop()) return std::nullopt;
    const std::optional<FrameHead> head = read_head();
    if (!head) return std::nullopt;
    is_within_message_ = true;
    if (head->is_control()) {
      if (!handle_control(*head)) return std::nullopt;
      is_within_message_ = has_begun;
      continue;
    }
    if (has_begun != (head->opcode == Opcode::kContinuation)) {
      throw WebSocketRefusal(net_detail::kWebSocketProtocolError, has_begun
                                                                      ? "a message within another"
                                                                      : "a message goes on that "
                                                                        "has not begun");
    }
    if (!has_begun) message.is_text = head->opcode == Opcode::kText;
    has_begun = true;
    if (head->payload_bytes > options_.message_bytes - message.data.size()) {
      throw WebSocketRefusal(net_detail::kWebSocketTooBig, "the message is too long");
    }
    if (!read_payload(*head, message.data, message.is_text ? &check : nullptr)) return std::nullopt;
    if (!head->is_last) continue;
    if (message.is_text && !check.is_complete()) {
      throw WebSocketRefusal(net_detail::kWebSocketBadText, "the text is no UTF-8");
    }
    is_within_message_ = false;
    return message;
  }
}

/// Between two messages: true, and the peer has been told, once the server stops and all has been
/// received that was here when that was seen. More may come all the time: a peer that never stops
/// sending is told so, too.
bool WebSocket::leaves_at_stop() {
  if (is_ending_ || !transport_.stopping()) return false;
  if (!left_at_stop_) left_at_stop_ = transport_.reader().buffered().size();
  if (*left_at_stop_ != 0) return false;
  leave();
  return true;
}

void WebSocket::consume(std::size_t size) {
  transport_.reader().consume(size);
  if (left_at_stop_) *left_at_stop_ -= std::min(*left_at_stop_, size);
}

/// Nothing if the stream ends.
std::optional<net_detail::WebSocketFrameHead> WebSocket::read_head() {
  BufferedReader& reader = transport_.reader();
  for (;;) {
    const auto head = net_detail::parse_websocket_frame(reader.buffered());
    if (head) {
      consume(head->head_bytes);
      return head;
    }
    if (!read_more()) return std::nullopt;
  }
}

/// Appends it to `data` as it comes: what a peer announces, it need not send. False if the stream
/// ends.
bool WebSocket::read_payload(const FrameHead& head, std::string& data,
                             net_detail::Utf8Check* check) {
  BufferedReader& reader = transport_.reader();
  for (std::uint64_t done = 0; done != head.payload_bytes;) {
    if (reader.buffered().empty() && !read_more()) return false;
    const std::size_t size = static_cast<std::size_t>(
        std::min<std::uint64_t>(reader.buffered().size(), head.payload_bytes - done));
    const std::size_t begin = data.size();
    data.append(reader.buffered().substr(0, size));
    consume(size);
    net_detail::unmask_websocket_payload(std::span(data).subspan(begin), head.mask, done);
    done += size;
    if (check != nullptr && !check->add(std::string_view(data).substr(begin))) {
      throw WebSocketRefusal(net_detail::kWebSocketBadText, "the text is no UTF-8");
    }
  }
  return true;
}

/// False if it was the last frame.
bool WebSocket::handle_control(const FrameHead& head) {
  std::string payload;
  if (!read_payload(head, payload, nullptr)) return false;
  if (head.opcode == Opcode::kPing) {
    // Who is sending may have to wait for the peer to read, and this must not wait for them. RFC
    // 6455, section 5.5.3: of several pings, the last needs an answer.
    owed_pong_ = std::move(payload);
    const std::unique_lock lock(writing_, std::try_to_lock);
    if (lock) send_owed_pong();
    return true;
  }
  if (head.opcode != Opcode::kClose) return true;
  has_heard_end_ = true;
  close_ = net_detail::parse_websocket_close(payload);
  const bool has_code = close_.code != net_detail::kWebSocketNoCode;
  send_close(has_code ? close_.code : net_detail::kWebSocketNormal, "");
  return false;
}

/// Reads more; pings a peer that is silent. False if the stream ends, and if the server's stop has
/// ended a wait between two messages.
bool WebSocket::read_more() {
  const bool is_between = !is_within_message_ && transport_.reader().buffered().empty();
  const bool may_leave = is_between && !is_ending_;
  // Also if there is more to read: a peer that never stops sending is told so, too.
  if (may_leave && transport_.stopping()) {
    leave();
    return false;
  }
  for (bool was_pinged = false;;) {
    switch (transport_.read_idle(options_.ping, may_leave)) {
      case net_detail::HttpArrival::kBytes:
        return true;
      case net_detail::HttpArrival::kEnd:
        has_heard_end_ = true;
        return false;
      case net_detail::HttpArrival::kStop:
        leave();
        return false;
      case net_detail::HttpArrival::kLate:
        break;
    }
    if (was_pinged) {
      errno = ETIMEDOUT;
      transport_.stream().fail("wait for an answer to a ping from");
    }
    // While another coroutine is sending, its time-out is what gives the peer up.
    const std::unique_lock lock(writing_, std::try_to_lock);
    if (!lock) continue;
    if (may_write()) write_frame(Opcode::kPing, "");
    was_pinged = true;
  }
}

/// The server stops.
void WebSocket::leave() {
  close_.code = net_detail::kWebSocketGoingAway;
  send_close(net_detail::kWebSocketGoingAway, "");
}

// Sending ----------------------------------------------------------------------------------------

/// Waits for its turn. TimeLimits and cancel end that, since whoever has the lock may be waiting
/// for a peer that reads nothing.
std::unique_lock<TimedMutex> WebSocket::lock_writing() {
  writing_.try_lock_until(Deadline::never());
  return {writing_, std::adopt_lock};
}

void WebSocket::send(Opcode opcode, std::string_view payload) {
  const std::unique_lock lock = lock_writing();
  if (!may_write()) {
    errno = EPIPE;
    transport_.stream().fail("write to a closed WebSocket of");
  }
  write_frame(opcode, payload);
  send_owed_pong();
}

/// With the lock held. More pings may come meanwhile.
void WebSocket::send_owed_pong() {
  while (owed_pong_) {
    const std::string payload = std::move(*owed_pong_);
    owed_pong_.reset();
    if (may_write()) write_frame(Opcode::kPong, payload);
  }
}

/// With the lock held. What followed a frame that was cut would be taken for its rest.
bool WebSocket::may_write() const noexcept {
  return !is_closing_ && !transport_.writer().is_broken();
}

/// With the lock held.
void WebSocket::write_frame(Opcode opcode, std::string_view payload) {
  const net_detail::WebSocketFrameStart start(opcode, payload.size());
  transport_.writer().write(start.bytes());
  transport_.writer().write(payload);
  transport_.writer().flush();
}

void WebSocket::close(std::uint16_t code, std::string_view reason) {
  constexpr std::size_t kMostReasonBytes = 123;
  if (!net_detail::may_send_websocket_code(code) || reason.size() > kMostReasonBytes) {
    throw std::invalid_argument("no code and reason with which a WebSocket can be closed");
  }
  send_close(code, reason);
}

void WebSocket::send_close(std::uint16_t code, std::string_view reason) {
  const std::unique_lock lock = lock_writing();
  if (!may_write()) return;
  is_closing_ = true;
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  write_frame(Opcode::kClose, payload.append(reason));
}

}  // namespace colibri
