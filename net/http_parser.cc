#include "colibri/net/http_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <limits>
#include <optional>

namespace colibri::net_detail {
namespace {

namespace beast = boost::beast;
using beast::http::error;

constexpr std::string_view kLineEnd = "\r\n";

std::string_view view_of(beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
}

/// Whether what comes from `begin` on can be of lines that are good, or going to be.
bool can_be_lines(std::string_view text, std::size_t begin) noexcept {
  for (std::size_t i = begin; i != text.size(); ++i) {
    if (!is_control(text[i]) || text[i] == '\t') continue;
    const bool ends_line = text[i] == '\n' && i != 0 && text[i - 1] == '\r';
    const bool may_end_line = text[i] == '\r' && (i + 1 == text.size() || text[i + 1] == '\n');
    if (!ends_line && !may_end_line) return false;
  }
  return true;
}

/// RFC 9112, section 5.2: to be refused. Beast joins the lines.
bool has_folded_line(std::string_view head) noexcept {
  for (std::size_t end = head.find('\n'); end + 1 < head.size(); end = head.find('\n', end + 1)) {
    if (head[end + 1] == ' ' || head[end + 1] == '\t') return true;
  }
  return false;
}

/// Whether the first line is that of a request in some version, which Beast does not know.
bool has_other_version(std::string_view head) noexcept {
  constexpr std::string_view kShape = " HTTP/0.0";
  const std::string_view line = head.substr(0, head.find(kLineEnd));
  if (line.size() < kShape.size() || std::count(line.begin(), line.end(), ' ') != 2) return false;
  const std::string_view end = line.substr(line.size() - kShape.size());
  return std::equal(end.begin(), end.end(), kShape.begin(), [](char is, char wanted) {
    return wanted == '0' ? is >= '0' && is <= '9' : is == wanted;
  });
}

HttpError refusal(const beast::error_code& what, std::string_view head) {
  if (what == error::body_limit) return HttpError(413, "the body is too long");
  if (what == error::bad_version && has_other_version(head)) {
    return HttpError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  return HttpError(400, what.message());
}

void check_body_fields(const HttpRequest& request) {
  const HttpFields& fields = request.fields;
  if (const auto encoding = fields.find("Transfer-Encoding")) {
    if (fields.count("Transfer-Encoding") > 1 || !equal_names(*encoding, "chunked")) {
      throw HttpError(501, "of transfer encodings, only \"chunked\" is known here");
    }
    if (request.minor_version == 0) throw HttpError(400, "HTTP/1.0 has no chunks");
  }
  const auto length = fields.find("Content-Length");
  if (length && (fields.count("Content-Length") > 1 || length->find(',') != length->npos)) {
    throw HttpError(400, "more than one Content-Length");
  }
}

/// What Beast lets pass.
void check_head(const HttpRequest& request) {
  // A tunnel would have to follow, which is for proxies.
  if (request.method == "CONNECT") throw HttpError(501, "CONNECT is not known here");
  const std::size_t hosts = request.fields.count("Host");
  if (hosts > 1 || (hosts == 0 && request.minor_version != 0)) {
    throw HttpError(400, "there must be one Host");
  }
  check_body_fields(request);
  const auto expectation = request.fields.find("Expect");
  if (expectation && !equal_names(*expectation, "100-continue")) {
    throw HttpError(417, "the only expectation that is known here is 100-continue");
  }
}

}  // namespace

/// It calls what is overridden here.
class HttpRequestParser::BeastParser : public beast::http::basic_parser<true> {
 public:
  HttpRequest* request = nullptr;
  std::byte* room = nullptr;  // for what is next of the body; null: it is passed over
  std::size_t room_size = 0;
  std::size_t copied = 0;

  /// Beast asserts that the last chunk is not cut into pieces that are too small.
  bool can_go_on_with(std::string_view text) const noexcept {
    constexpr std::size_t kSmallestEnd = 5;  // "0\r\n\r\n"
    return !chunked() || chunk_left_ != 0 || text.size() >= kSmallestEnd;
  }

 private:
  using Text = beast::string_view;
  using Error = beast::error_code;

  void on_request_impl(beast::http::verb, Text method, Text target, int version, Error&) override {
    request->method = view_of(method);
    request->target = view_of(target);
    request->minor_version = version - 10;
  }
  void on_field_impl(beast::http::field, Text name, Text value, Error&) override {
    // Not trailers, by which what was decided on the head might be changed.
    if (!in_body_) request->fields.append(view_of(name), view_of(value));
  }
  void on_header_impl(Error&) override { in_body_ = true; }
  std::size_t on_body_impl(Text body, Error&) override { return copy(body); }
  void on_chunk_header_impl(std::uint64_t size, Text extensions, Error& what) override {
    chunk_left_ = size;
    // In quotes Beast takes everything, and others take a bare line feed for the line's end.
    if (std::any_of(extensions.begin(), extensions.end(),
                    [](char c) { return is_control(c) && c != '\t'; })) {
      what = error::bad_chunk_extension;
    }
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Error&) override {
    const std::size_t size = copy(body);
    chunk_left_ -= size;
    return size;
  }

  std::size_t copy(Text body) noexcept {
    const std::size_t size = std::min(body.size(), room_size - copied);
    if (room != nullptr) std::memcpy(room + copied, body.data(), size);
    copied += size;
    return size;
  }

  // Nothing to be done.
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  void on_finish_impl(Error&) override {}
  void on_response_impl(int, Text, int, Error&) override {}

  bool in_body_ = false;
  std::uint64_t chunk_left_ = 0;
};

/// A parser of Beast's is good for one request, and a new one is made in its place for the next.
struct HttpRequestParser::Beast {
  std::optional<BeastParser> parser;
};

HttpRequestParser::HttpRequestParser(std::size_t header_bytes, std::uint64_t body_bytes)
    : header_bytes_(header_bytes), body_bytes_(body_bytes), beast_(std::make_unique<Beast>()) {
  begin();
}

HttpRequestParser::~HttpRequestParser() = default;

void HttpRequestParser::begin() {
  auto& parser = beast_->parser.emplace();
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());  // checked here
  if (body_bytes_ == 0) {
    parser.body_limit(boost::none);
  } else {
    parser.body_limit(body_bytes_);
  }
  seen_ = 0;
}

// Heads ------------------------------------------------------------------------------------------

// Beast gets heads whole: of pieces it would use some and wait for all the rest, and its answers
// would depend on how they are cut.
std::size_t HttpRequestParser::parse_head(std::string_view text, HttpRequest& request) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  // RFC 9112, section 2.2: some clients send a line end too many behind a body.
  const std::size_t begin = text.starts_with(kLineEnd) ? kLineEnd.size() : 0;
  // The end may have begun within what was seen.
  const std::size_t end =
      text.find(kEnd, std::max(begin, seen_ - std::min(seen_, kEnd.size() - 1)));
  if (end == text.npos) {
    check_beginning(text);
    return 0;
  }
  const std::size_t size = end + kEnd.size();
  if (size > header_bytes_) throw HttpError(431, "the header is too long");
  const std::string_view head = text.substr(begin, size - begin);
  auto& parser = *beast_->parser;
  parser.request = &request;
  beast::error_code what;
  const std::size_t used = parser.put({head.data(), head.size()}, what);
  if (what) throw refusal(what, head);
  // It would have to be an end that only one of the two has seen.
  if (used != head.size()) throw HttpError(400, "an unclear end of the header");
  if (has_folded_line(head)) throw HttpError(400, "a folded header field");
  check_head(request);
  return size;
}

/// Of a head whose end is not there.
void HttpRequestParser::check_beginning(std::string_view text) {
  if (!can_be_lines(text, seen_)) throw HttpError(400, "a line that does not end as it should");
  if (text.size() >= header_bytes_) {
    if (text.find(kLineEnd, kLineEnd.size()) == text.npos) {
      throw HttpError(414, "the request line is too long");
    }
    throw HttpError(431, "the header is too long");
  }
  // A line end may be half there.
  seen_ = text.size() - (text.ends_with('\r') ? 1 : 0);
}

// Bodies -----------------------------------------------------------------------------------------

HttpRequestParser::BodyPart HttpRequestParser::parse_body(std::string_view text,
                                                          std::span<std::byte> room) {
  beast_->parser->room = room.data();
  beast_->parser->room_size = room.size();
  return put_body(text);
}

HttpRequestParser::BodyPart HttpRequestParser::skip_body(std::string_view text) {
  beast_->parser->room = nullptr;
  beast_->parser->room_size = text.size();
  return put_body(text);
}

HttpRequestParser::BodyPart HttpRequestParser::put_body(std::string_view text) {
  auto& parser = *beast_->parser;
  parser.copied = 0;
  std::string_view rest = text;
  while (!parser.is_done() && parser.copied != parser.room_size && !rest.empty() &&
         parser.can_go_on_with(rest)) {
    beast::error_code what;
    rest.remove_prefix(parser.put({rest.data(), rest.size()}, what));
    if (what == error::need_more) break;
    if (what) throw refusal(what, {});
  }
  // What is left then is a chunk's first line, or trailers.
  if (!parser.is_done() && parser.copied == 0 && !can_be_lines(rest, 0)) {
    throw HttpError(400, "a line between chunks that does not end as it should");
  }
  return {.used = text.size() - rest.size(), .copied = parser.copied};
}

bool HttpRequestParser::is_done() const noexcept {
  return beast_->parser->is_done();
}

bool HttpRequestParser::keep_alive() const noexcept {
  return beast_->parser->keep_alive();
}

}  // namespace colibri::net_detail
