// HttpRequestParser: Boost.Beast's parser of HTTP/1, made stricter, and without Beast in the
// header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "colibri/net/http_message.h"

namespace colibri::net_detail {

/// Of one connection's requests, one after the other. One coroutine's.
///
/// Whatever two readers could understand differently is refused, since one of them may be a proxy
/// before this server (RFC 9112, section 11.2: request smuggling). Beast refuses bare line feeds,
/// blanks before colons, a length beside Transfer-Encoding, contradicting lengths and bad chunks;
/// what it lets pass and this refuses: folded lines, a length given twice, encodings other than
/// "chunked" alone, chunks in HTTP/1.0, control characters in what follows a chunk's size, and a
/// Host that is missing or not one.
class HttpRequestParser {
 public:
  /// `header_bytes`: the most that a head may have, for which the caller's buffer has room, and no
  /// more. `body_bytes`: the most that a body may have; 0: no limit.
  HttpRequestParser(std::size_t header_bytes, std::uint64_t body_bytes);
  ~HttpRequestParser();
  HttpRequestParser(const HttpRequestParser&) = delete;
  HttpRequestParser& operator=(const HttpRequestParser&) = delete;

  /// The next request follows.
  void begin();

  /// If `text` begins with a whole head, puts it into `request`, and returns how many bytes it has.
  /// 0 if more must come: to be called again with what was there and more. Throws HttpError, 400,
  /// 413, 414, 417, 431, 501 or 505, after which nothing that the connection carries can be
  /// trusted. What is no head is refused as soon as that can be seen.
  std::size_t parse_head(std::string_view text, HttpRequest& request);

  struct BodyPart {
    std::size_t used;    // of the text
    std::size_t copied;  // bytes of the body
  };
  /// Goes on with the body in `text`; copies as much of it as there is room for. If nothing was
  /// copied and it is not done, more must come, behind what was not used. Throws HttpError, 400 or
  /// 413, as above.
  BodyPart parse_body(std::string_view text, std::span<std::byte> room);
  /// The same for nobody: passes over all that is there.
  BodyPart skip_body(std::string_view text);

  /// The whole request was seen. Once the head is done.
  bool is_done() const noexcept;
  /// The client wants the connection to stay. Once the head is done.
  bool keep_alive() const noexcept;

 private:
  class BeastParser;
  struct Beast;

  void check_beginning(std::string_view text);
  BodyPart put_body(std::string_view text);

  const std::size_t header_bytes_;
  const std::uint64_t body_bytes_;
  std::size_t seen_ = 0;  // of a head that is not complete
  const std::unique_ptr<Beast> beast_;
};

}  // namespace colibri::net_detail
