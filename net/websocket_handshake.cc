#include "colibri/net/websocket_handshake.h"

#include <array>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/core/detail/sha1.hpp>
#include <string>

namespace colibri::net_detail {
namespace {

namespace beast = boost::beast::detail;

/// Sixteen bytes in base64.
bool is_key(std::string_view key) {
  constexpr std::size_t kKeyBytes = 16;
  constexpr std::size_t kKeyCharacters = 24;
  if (key.size() != kKeyCharacters) return false;
  std::array<char, beast::base64::decoded_size(kKeyCharacters)> bytes;
  // Without the two characters that fill it up; it stops at the first that is none.
  const auto [written, read] = beast::base64::decode(bytes.data(), key.data(), key.size());
  return written == kKeyBytes && read >= kKeyCharacters - 2 && key.ends_with("==");
}

std::string answer_to(std::string_view key) {
  constexpr std::string_view kMagic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, beast::sha1_context::digest_size> digest;
  beast::sha1_context context;
  beast::init(context);
  beast::update(context, key.data(), key.size());
  beast::update(context, kMagic.data(), kMagic.size());
  beast::finish(context, digest.data());
  std::string text(beast::base64::encoded_size(digest.size()), '\0');
  text.resize(beast::base64::encode(text.data(), digest.data(), digest.size()));
  return text;
}

}  // namespace

HttpFields accept_websocket(const HttpRequest& request) {
  const HttpFields& fields = request.fields;
  if (request.method != "GET")
    throw HttpError(405, "a WebSocket begins with GET", {{"Allow", "GET"}});
  const HttpFields wanted{{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
  if (!fields.has_token("Upgrade", "websocket") || fields.find("Sec-WebSocket-Version") != "13") {
    throw HttpError(426, "here is a WebSocket of version 13", wanted);
  }
  if (request.minor_version == 0 || !fields.has_token("Connection", "Upgrade")) {
    throw HttpError(400, "a WebSocket needs Connection: Upgrade, and HTTP/1.1");
  }
  const std::string_view key = fields.find("Sec-WebSocket-Key").value_or("");
  if (fields.count("Sec-WebSocket-Key") != 1 || !is_key(key)) {
    throw HttpError(400, "there must be one Sec-WebSocket-Key, of 16 bytes");
  }
  return {{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", answer_to(key)}};
}

}  // namespace colibri::net_detail
