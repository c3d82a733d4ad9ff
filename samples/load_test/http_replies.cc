#include "samples/load_test/http_replies.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <string_view>
#include <utility>

namespace load_test {
namespace {

namespace http = boost::beast::http;
using Error = boost::beast::error_code;
using Text = boost::beast::string_view;

/// FNV-1a, 64 bits: not against malice, but a wrong byte changes it.
class Digest {
 public:
  void add(Text bytes) {
    for (const char byte : bytes) value_ = (value_ ^ static_cast<unsigned char>(byte)) * kPrime;
  }
  std::uint64_t value() const { return value_; }

 private:
  static constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace

/// Of the virtual functions that Beast wants, two have something to do.
class HttpReplies::Response final : public http::basic_parser<false> {
 public:
  explicit Response(bool digests) : digests_(digests) {
    eager(true);
    body_limit(boost::none);
  }

  int status() const { return status_; }
  std::uint64_t digest() const { return digest_.value(); }

 private:
  void on_request_impl(http::verb, Text, Text, int, Error&) override {}
  void on_response_impl(int status, Text, int, Error&) override { status_ = status; }
  void on_field_impl(http::field, Text, Text, Error&) override {}
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  void on_finish_impl(Error&) override {}
  std::size_t on_body_impl(Text body, Error&) override { return take(body); }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Error&) override { return take(body); }

  std::size_t take(Text body) {
    if (digests_) digest_.add(body);
    return body.size();
  }

  const bool digests_;
  int status_ = 0;
  Digest digest_;
};

HttpReplies::HttpReplies(ReplySink& sink, Shared& shared) : sink_(sink), shared_(shared) {
  restart();
}

HttpReplies::~HttpReplies() = default;

void HttpReplies::restart() {
  response_ = std::make_unique<Response>(shared_.verify);
  unparsed_.clear();
  closes_ = false;
}

bool HttpReplies::take(std::span<const std::byte> bytes, std::uint64_t /*sent_bytes*/) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // Beast reads a head only when it has it in one piece.
  std::string joined;
  if (!unparsed_.empty()) {
    joined = std::exchange(unparsed_, {});
    rest = joined.append(rest);
  }
  rest.remove_prefix(parse(rest));
  if (!closes_) unparsed_ = rest;
  return !closes_;
}

/// A body in chunks ends with at least so many bytes, and Beast takes it for granted that it gets
/// no fewer.
constexpr std::size_t kFewestBytesOfChunks = 5;

/// How many of the bytes it needs no more.
std::size_t HttpReplies::parse(std::string_view bytes) {
  std::size_t parsed = 0;
  while (parsed != bytes.size() && !closes_) {
    if (response_->is_header_done() && response_->chunked() &&
        bytes.size() - parsed < kFewestBytesOfChunks) {
      break;
    }
    Error error;
    parsed +=
        response_->put(boost::asio::buffer(bytes.data() + parsed, bytes.size() - parsed), error);
    if (error == http::error::need_more) break;
    if (error) throw WrongReply(ErrorKind::kBadReply, "no HTTP: " + error.message());
    if (response_->is_done()) finish_response();
  }
  return parsed;
}

bool HttpReplies::take_end() {
  if (!response_->got_some() && unparsed_.empty()) return true;  // between two
  Error error;
  response_->put_eof(error);
  if (error || !response_->is_done()) {
    throw WrongReply(ErrorKind::kShortBody, "the server closed the connection within a response");
  }
  finish_response();
  return true;
}

void HttpReplies::finish_response() {
  const int status = response_->status();
  const std::uint64_t digest = response_->digest();
  closes_ = !response_->keep_alive();
  response_ = std::make_unique<Response>(shared_.verify);
  if (status == 101) throw WrongReply(ErrorKind::kBadReply, "an upgrade that nobody asked for");
  if (status < 200) {  // "100 Continue" and its like announce the reply, and are none
    closes_ = false;
  } else if (status >= 400) {
    sink_.take_refusal("HTTP status " + std::to_string(status));
  } else {
    if (shared_.verify) check_body(digest);
    sink_.take_reply();
  }
}

void HttpReplies::check_body(std::uint64_t digest) {
  if (digest == shared_.body.value_or(digest)) {
    shared_.body = digest;
    return;
  }
  throw WrongReply(ErrorKind::kMismatch, "a body that differs from the first one");
}

}  // namespace load_test
