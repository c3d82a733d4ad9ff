// The second version of the PROXY header, in binary.
#pragma once

#include "colibri/net/proxy_header.h"

namespace colibri::net_detail {

/// What it begins with.
inline constexpr std::string_view kProxySignature{"\r\n\r\n\0\r\nQUIT\n", 12};

/// find_proxy_header and parse_proxy_header, for bytes that begin with as much of kProxySignature
/// as is there.
ProxyHeaderExtent find_binary_proxy_header(std::string_view bytes, std::size_t most_bytes);
ProxyHeader parse_binary_proxy_header(std::string_view header);

}  // namespace colibri::net_detail
