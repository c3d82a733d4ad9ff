// By hand: Debian's packages have it for Go and Haskell only, and proxies keep theirs for
// themselves. Names are those of the specification,
// haproxy.org/download/2.6/doc/proxy-protocol.txt.
#include "colibri/net/proxy_header.h"

#include <algorithm>
#include <string>

#include "colibri/net/proxy_binary_header.h"
#include "colibri/net/proxy_text_header.h"

namespace colibri {

using net_detail::kProxySignature;
using net_detail::kProxyWord;

ProxyHeaderError::ProxyHeaderError(std::size_t position, std::string_view problem,
                                   std::string_view peer)
    : std::system_error(
          EPROTO, std::generic_category(),
          "read the PROXY header" + (peer.empty() ? std::string() : " from " + std::string(peer)) +
              ": at byte " + std::to_string(position + 1) + ", " + std::string(problem)),
      position_(position),
      problem_(problem) {}

ProxyHeaderExtent find_proxy_header(std::string_view bytes, std::size_t most_bytes) {
  for (const std::string_view start : {kProxySignature, kProxyWord}) {
    // Both differ in their first byte, so that one is enough to tell which it is.
    if (bytes.empty() || bytes.front() != start.front()) continue;
    const std::size_t seen = std::min(start.size(), bytes.size());
    const auto [wrong, expected] = std::mismatch(
        bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(seen), start.begin());
    if (expected != start.begin() + static_cast<std::ptrdiff_t>(seen)) {
      throw ProxyHeaderError(static_cast<std::size_t>(wrong - bytes.begin()),
                             "this is no PROXY header");
    }
    return start == kProxySignature ? net_detail::find_binary_proxy_header(bytes, most_bytes)
                                    : net_detail::find_text_proxy_header(bytes);
  }
  if (bytes.empty()) return {0, false};
  throw ProxyHeaderError(0, "this is no PROXY header");
}

ProxyHeader parse_proxy_header(std::string_view header) {
  const auto [size, is_complete] = find_proxy_header(header, header.size());
  if (!is_complete) throw ProxyHeaderError(header.size(), "the header is not complete");
  if (size != header.size()) throw ProxyHeaderError(size, "the header should end here");
  return header.starts_with(kProxySignature) ? net_detail::parse_binary_proxy_header(header)
                                             : net_detail::parse_text_proxy_header(header);
}

}  // namespace colibri
