// The first version of the PROXY header, a line of text.
#pragma once

#include "colibri/net/proxy_header.h"

namespace colibri::net_detail {

/// What it begins with.
inline constexpr std::string_view kProxyWord = "PROXY ";

/// find_proxy_header and parse_proxy_header, for bytes that begin with as much of kProxyWord as is
/// there.
ProxyHeaderExtent find_text_proxy_header(std::string_view bytes);
ProxyHeader parse_text_proxy_header(std::string_view header);

}  // namespace colibri::net_detail
