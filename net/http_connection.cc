#include "colibri/net/http_connection.h"

#include <memory>
#include <utility>

#include "colibri/core/canceled.h"
#include "colibri/core/coroutine_exit.h"
#include "colibri/net/http_head.h"

namespace colibri::net_detail {
namespace {

HttpResponse response_of(const HttpError& error) {
  HttpFields fields = error.fields();
  fields.add("Content-Type", "text/plain");
  return {.status = error.status(),
          .fields = std::move(fields),
          .body = std::string(error.what()) + '\n'};
}

std::unique_ptr<HttpStream> protect(TcpStream stream, const HttpServerOptions& options) {
  if (options.protection) return options.protection(std::move(stream));
  return std::make_unique<PlainHttpStream>(std::move(stream));
}

}  // namespace

HttpConnection::HttpConnection(TcpStream stream, HttpServerState& state)
    : state_(state),
      transport_(protect(std::move(stream), state.options), state.options, state.connections),
      parser_(state.options.header_bytes, state.options.body_bytes) {}

void HttpConnection::serve() try {
  if (transport_.shake_hands()) serve_requests();
} catch (const std::system_error&) {
  if (!transport_.has_bad_client()) throw;
  state_.refused.fetch_add(1, std::memory_order_relaxed);
}

void HttpConnection::serve_requests() {
  while (serve_request()) {
  }
  // What followed would be taken for the rest of an answer that was cut.
  if (transport_.writer().is_broken() || transport_.has_open_answer()) return;
  if (is_unread_ || !transport_.reader().buffered().empty()) {
    transport_.linger();
  } else {
    transport_.writer().flush();
  }
}

/// False if no other can follow.
bool HttpConnection::serve_request() {
  if (!wait_for_request()) return false;
  try {
    read_head();
  } catch (const HttpError& error) {
    refuse(error);
    return false;
  }
  state_.requests.fetch_add(1, std::memory_order_relaxed);
  HttpExchange exchange(transport_, parser_, request_, state_.options.body,
                        !state_.connections.stopping());
  call_handler(exchange);
  if (exchange.is_upgraded()) {
    is_unread_ = true;
    return false;
  }
  if (exchange.body().is_done()) return exchange.stays();
  is_unread_ = !exchange.stays() || !exchange.body().skip();
  return !is_unread_;
}

bool HttpConnection::wait_for_request() {
  for (bool may_pass_line_end = true;;) {
    BufferedReader& reader = transport_.reader();
    // RFC 9112, section 2.2: some clients send a line end too many behind a body. They are idle
    // after that, and not late with a request.
    if (may_pass_line_end && reader.buffered().starts_with("\r\n")) {
      reader.consume(2);
      may_pass_line_end = false;
    }
    const bool is_line_end_begun = may_pass_line_end && reader.buffered() == "\r";
    if (!reader.buffered().empty() && !is_line_end_begun) return true;
    if (!transport_.wait_for_request()) {
      // Half a line end is nothing to linger for.
      reader.consume(reader.buffered().size());
      return false;
    }
  }
}

void HttpConnection::read_head() {
  BufferedReader& reader = transport_.reader();
  parser_.begin();
  request_.clear();
  Deadline deadline;
  for (;;) {
    if (const std::size_t size = parser_.parse_head(reader.buffered(), request_)) {
      reader.consume(size);
      return;
    }
    // The clock is read only for those who send their heads in pieces.
    if (deadline.is_never() && state_.options.header.count() != 0) {
      deadline = Deadline::after(state_.options.header);
    }
    transport_.read_more(deadline);
  }
}

void HttpConnection::call_handler(HttpExchange& exchange) {
  try {
    state_.handler(exchange);
    exchange.finish();
  } catch (const HttpError& error) {
    const bool is_clients_fault = exchange.body().has_failed();
    if (is_clients_fault) state_.refused.fetch_add(1, std::memory_order_relaxed);
    if (transport_.writer().is_broken()) return;
    if (!exchange.has_begun()) {
      exchange.respond(response_of(error));
    } else if (!is_clients_fault) {
      throw;
    }
  } catch (const Canceled&) {
    throw;
  } catch (...) {
    if (!is_forced_unwind()) answer_for_failure(exchange);
    throw;
  }
}

/// If that is still possible.
void HttpConnection::answer_for_failure(HttpExchange& exchange) {
  if (exchange.has_begun() || transport_.writer().is_broken()) return;
  try {
    HttpResponse response = response_of(HttpError(500, "the server has failed"));
    response.close = true;
    exchange.respond(response);
    if (exchange.body().is_done()) {
      transport_.writer().flush();
    } else {
      transport_.linger();
    }
  } catch (const Canceled&) {
    throw;
  } catch (const std::exception&) {
    // The handler's own error says more.
  }
}

/// Answers a head that is none.
void HttpConnection::refuse(const HttpError& error) {
  state_.refused.fetch_add(1, std::memory_order_relaxed);
  is_unread_ = true;
  const HttpResponse response = response_of(error);
  write_http_head(transport_.writer(), response,
                  {.chunked = false,
                   .length = response.body.size(),
                   .fate = ConnectionFate::kCloses,
                   .minor_version = 1});
  transport_.writer().write(response.body);
}

}  // namespace colibri::net_detail
