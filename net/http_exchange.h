// HttpExchange: one request and its answer, as a handler sees them.
#pragma once

#include <cstdint>
#include <optional>

#include "colibri/net/http_body_reader.h"
#include "colibri/net/http_body_writer.h"
#include "colibri/net/http_message.h"

namespace colibri {

/// Lives while its handler is called; that coroutine's.
class HttpExchange {
 public:
  const HttpRequest& request() const noexcept { return request_; }
  /// What came behind the head. Need not be read.
  HttpBodyReader& body() noexcept { return body_; }

  /// Answers. It is sent when the handler returns, at the latest, unless more requests are there
  /// already: then together with the answers to these. A body for HEAD, 204 and 304 is not sent.
  /// Throws std::logic_error for a second answer, std::invalid_argument for a status that is none;
  /// otherwise as TcpStream.
  void respond(const HttpResponse& response);

  /// Begins an answer whose body is written in parts: of `length` bytes, or of any number. The
  /// body in `head` is not used. Throws as respond.
  HttpBodyWriter& begin(const HttpResponse& head, std::optional<std::uint64_t> length = {});

  bool has_begun() const noexcept { return writer_.has_value(); }

  /// The connection, for its addresses and options. Not to be read, written or closed.
  TcpStream& stream() noexcept { return transport_.stream(); }

  /// The server's own. Refers to the others, which must outlive it. `may_stay`: the connection may
  /// be kept after this.
  HttpExchange(net_detail::HttpTransport& transport, net_detail::HttpRequestParser& parser,
               const HttpRequest& request, std::chrono::milliseconds body_timeout, bool may_stay);
  /// The server's own: the handler has returned. Throws std::logic_error if it gave no answer, or
  /// not all of one, though it could.
  void finish();
  /// For protocols that a connection can be upgraded to: agrees, with these fields, and sends that.
  /// Until the handler returns the connection is the caller's. Throws HttpError (400) if the
  /// request has a body; otherwise as respond.
  net_detail::HttpTransport& upgrade(const HttpFields& fields);
  bool is_upgraded() const noexcept { return is_upgraded_; }
  /// The server's own: whether the connection is kept. Once an answer has begun.
  bool stays() const noexcept { return stays_ && !transport_.writer().is_broken(); }

 private:
  HttpBodyWriter& begin_framed(const HttpResponse& head, HttpBodyWriter::Framing framing,
                               std::uint64_t length);
  bool has_body(int status) const noexcept;

  net_detail::HttpTransport& transport_;
  const HttpRequest& request_;
  HttpBodyReader body_;
  std::optional<HttpBodyWriter> writer_;
  bool stays_;
  bool is_upgraded_ = false;
};

}  // namespace colibri
