#include "colibri/net/http_exchange.h"

#include <stdexcept>

#include "colibri/net/http_head.h"

namespace colibri {

using net_detail::ConnectionFate;
using Framing = HttpBodyWriter::Framing;

HttpExchange::HttpExchange(net_detail::HttpTransport& transport,
                           net_detail::HttpRequestParser& parser, const HttpRequest& request,
                           std::chrono::milliseconds body_timeout, bool may_stay)
    : transport_(transport),
      request_(request),
      body_(transport, parser, request.minor_version != 0 && request.fields.find("Expect"),
            body_timeout),
      stays_(may_stay && parser.keep_alive()) {}

/// RFC 9112, section 6.3.
bool HttpExchange::has_body(int status) const noexcept {
  return request_.method != "HEAD" && status != 204 && status != 304;
}

void HttpExchange::respond(const HttpResponse& response) {
  const std::uint64_t length = response.body.size();
  begin(response, length);
  writer_->write(response.body);
}

HttpBodyWriter& HttpExchange::begin(const HttpResponse& head, std::optional<std::uint64_t> length) {
  if (has_begun()) throw std::logic_error("a second answer to one request");
  net_detail::check_http_status(head.status);
  // A client that was not told to go on may send the body nevertheless, or the next request.
  const bool waits = body_.withhold_continue();
  stays_ = stays_ && !head.close && !waits && !body_.has_failed();
  Framing framing = Framing::kNoBody;
  if (has_body(head.status)) {
    framing = length                        ? Framing::kLength
              : request_.minor_version != 0 ? Framing::kChunked
                                            : Framing::kUntilClose;
  }
  if (framing == Framing::kUntilClose) {
    stays_ = false;
    transport_.begin_open_answer();
  }
  net_detail::write_http_head(transport_.writer(), head,
                              {.chunked = !length && request_.minor_version != 0,
                               .length = length,
                               .fate = stays_ ? ConnectionFate::kStays : ConnectionFate::kCloses,
                               .minor_version = request_.minor_version});
  return writer_.emplace(transport_.writer(), framing, length.value_or(0));
}

net_detail::HttpTransport& HttpExchange::upgrade(const HttpFields& fields) {
  constexpr int kSwitchingProtocols = 101;
  if (has_begun()) throw std::logic_error("a second answer to one request");
  if (!body_.is_done()) throw HttpError(400, "there may be no body here");
  net_detail::write_http_head(transport_.writer(),
                              {.status = kSwitchingProtocols, .fields = fields},
                              {.chunked = false,
                               .length = std::nullopt,
                               .fate = ConnectionFate::kUpgrades,
                               .minor_version = request_.minor_version});
  writer_.emplace(transport_.writer(), Framing::kNoBody, 0);
  transport_.writer().flush();
  is_upgraded_ = true;
  return transport_;
}

void HttpExchange::finish() {
  // The handler was told so by the write that has failed; the client is, by the connection's end.
  if (transport_.writer().is_broken()) return;
  if (!has_begun()) throw std::logic_error("no answer was given");
  if (!writer_->finish()) throw std::logic_error("less was written than was announced");
  if (transport_.has_open_answer()) transport_.end_open_answer();
}

}  // namespace colibri
