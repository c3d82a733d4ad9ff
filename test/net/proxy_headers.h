// Headers of the PROXY protocol, made by a second hand: what tests compare the reading with.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "colibri/net/proxy_header.h"

namespace colibri::test {

/// A good header, and what it says.
struct GoodProxyHeader {
  std::string name;
  std::string bytes;
  ProxyHeader meaning;
};
/// For GoogleTest, which would print its bytes.
inline void PrintTo(const GoodProxyHeader& header, std::ostream* out) {
  *out << header.name;
}

/// One of each kind.
std::vector<GoodProxyHeader> good_proxy_headers();

/// Version 2: the signature, the two bytes behind it, the size of `rest`, `rest`.
std::string binary_header(std::uint8_t version_and_command, std::uint8_t family_and_transport,
                          std::string_view rest);
/// From 192.0.2.1:4000 to 198.51.100.2:443.
std::string ipv4_header(std::string_view values = {});
/// A value with its type and size.
std::string value(std::uint8_t type, std::string_view bytes);

}  // namespace colibri::test
