// The head of an answer, as it is sent.
#pragma once

#include <cstdint>
#include <optional>

#include "colibri/net/buffered.h"
#include "colibri/net/http_message.h"

namespace colibri::net_detail {

/// What becomes of the connection after an answer.
enum class HttpFuture { kStays, kCloses, kUpgrades };

/// What the server says of an answer.
struct HttpFraming {
  bool chunked;                         // how the body would come, for HEAD too
  std::optional<std::uint64_t> length;  // of the body
  HttpFuture future;
  int minor_version;  // that of the request
};

/// Writes it, with the date and with what `framing` says; leaves out fields that are the server's.
void write_http_head(BufferedWriter& writer, const HttpResponse& head, const HttpFraming& framing);

}  // namespace colibri::net_detail
