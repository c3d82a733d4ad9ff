#include "colibri/net/http_body_reader.h"

#include <algorithm>

namespace colibri {

HttpBodyReader::HttpBodyReader(net_detail::HttpTransport& transport,
                               net_detail::HttpRequestParser& parser, bool expects_continue,
                               std::chrono::milliseconds timeout) noexcept
    : transport_(transport),
      parser_(parser),
      expects_continue_(expects_continue),
      timeout_(timeout) {}

std::size_t HttpBodyReader::read_some(std::span<std::byte> buffer) {
  if (buffer.empty()) return 0;
  if (has_failed_) throw HttpError(400, "the body could not be read");
  try {
    return read_part(buffer);
  } catch (const HttpError&) {
    has_failed_ = true;
    throw;
  }
}

std::size_t HttpBodyReader::read_part(std::span<std::byte> buffer) {
  BufferedReader& reader = transport_.reader();
  while (!parser_.is_done()) {
    const auto [used, copied] = parser_.parse_body(reader.buffered(), buffer);
    reader.consume(used);
    if (copied != 0) return copied;
    if (!parser_.is_done()) wait_for_more();
  }
  return 0;
}

void HttpBodyReader::wait_for_more() {
  if (expects_continue_ && may_continue_) {
    transport_.writer().write("HTTP/1.1 100 Continue\r\n\r\n");
    expects_continue_ = false;
  }
  if (deadline_.is_never() && timeout_.count() != 0) deadline_ = Deadline::after(timeout_);
  try {
    transport_.read_more(deadline_);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::message_size) throw;
    throw HttpError(400, "the line before a chunk, or the trailer, is too long");
  }
}

std::string HttpBodyReader::read_all() {
  constexpr std::size_t kStep = 4096;
  std::string text;
  for (std::size_t size = 0;;) {
    // Doubles, and begins small: what a client announces, it need not send.
    text.resize(std::max(kStep, 2 * size));
    const auto room = std::as_writable_bytes(std::span(text)).subspan(size);
    std::size_t more = 0;
    for (std::size_t done = 0; done != room.size(); done += more) {
      more = read_some(room.subspan(done));
      if (more == 0) {
        text.resize(size + done);
        return text;
      }
    }
    size = text.size();
  }
}

bool HttpBodyReader::withhold_continue() noexcept {
  may_continue_ = false;
  return expects_continue_ && !is_done();
}

bool HttpBodyReader::skip() {
  // About as much as may be under way anyhow.
  constexpr std::size_t kMostBytes = std::size_t{256} * 1024;
  if (has_failed_) return false;
  BufferedReader& reader = transport_.reader();
  try {
    for (std::size_t skipped = 0; skipped < kMostBytes;) {
      const auto [used, passed] = parser_.skip_body(reader.buffered());
      reader.consume(used);
      skipped += used;
      if (parser_.is_done()) return true;
      wait_for_more();
    }
  } catch (const HttpError&) {
    // The request has its answer already.
  }
  return false;
}

}  // namespace colibri
