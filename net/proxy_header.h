// ProxyHeader: what a proxy says of the connection that it passes on (the PROXY protocol of
// HAProxy, versions 1 and 2). Reading it off bytes; off a connection: proxy_protocol.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "colibri/net/address.h"

namespace colibri {

/// Of whom a connection comes that a proxy has made. A value; any thread.
struct ProxyHeader {
  /// Who has connected to the proxy, and to which of its addresses. Nothing, both, if the proxy
  /// does not say: then the connection's own ends are all that is known.
  std::optional<Address> source{};
  std::optional<Address> destination{};
  /// The proxy has connected for itself, to see whether this server is well.
  bool is_local = false;
  /// The host that the client has asked for, as by TLS (SNI); empty: unknown.
  std::string authority{};
  /// The protocol that client and proxy have agreed on (ALPN); empty: unknown.
  std::string protocol{};
  /// The proxy's own name for this connection, any bytes; empty: it has none.
  std::string unique_id{};

  bool operator==(const ProxyHeader&) const = default;
};

/// Bytes that are no PROXY header, or a bad one (std::errc::protocol_error). what() says what is
/// wrong at which byte.
class ProxyHeaderError : public std::system_error {
 public:
  /// `position` counts from 0; the text counts from 1. `peer`: who has sent it, if that is known.
  ProxyHeaderError(std::size_t position, std::string_view problem, std::string_view peer = {});

  std::size_t position() const noexcept { return position_; }
  const std::string& problem() const noexcept { return problem_; }

 private:
  std::size_t position_;
  std::string problem_;
};

/// How much of a connection's first bytes is header.
struct ProxyHeaderExtent {
  std::size_t size;
  /// False: all of the bytes are, and some are missing.
  bool is_complete;
};

/// Looks only as far as is needed to see the end. Throws ProxyHeaderError if `bytes` do not begin a
/// header, or one of version 2 that is longer than `most_bytes` (those of version 1 have 107 at
/// most). Any thread.
ProxyHeaderExtent find_proxy_header(std::string_view bytes, std::size_t most_bytes);

/// Reads a header that is complete, and nothing else. Throws ProxyHeaderError. Any thread.
ProxyHeader parse_proxy_header(std::string_view header);

}  // namespace colibri
