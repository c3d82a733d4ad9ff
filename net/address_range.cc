#include "colibri/net/address_range.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "colibri/net/address_text.h"

namespace colibri {
namespace {

constexpr int kAllBits = 128;
constexpr int kMappedBits = 96;  // of an IPv4 address in the form that IPv6 has for it

in6_addr mapped(const in_addr& ipv4) noexcept {
  in6_addr host{};
  host.s6_addr[10] = host.s6_addr[11] = 0xff;
  std::memcpy(&host.s6_addr[12], &ipv4, sizeof ipv4);
  return host;
}

/// `host` with all but its first `bits` bits cleared.
in6_addr prefix_of(in6_addr host, int bits) noexcept {
  for (int byte = 0; byte < static_cast<int>(sizeof host); ++byte) {
    const int kept = std::clamp(bits - 8 * byte, 0, 8);
    host.s6_addr[byte] &= static_cast<std::uint8_t>(0xff00 >> kept);
  }
  return host;
}

bool same(const in6_addr& left, const in6_addr& right) noexcept {
  return std::memcmp(&left, &right, sizeof left) == 0;
}

/// The number behind the slash, if it is one from 0 to `largest`.
int read_prefix(std::string_view text, std::size_t position, int largest) {
  const std::string_view number = text.substr(position);
  int bits = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
  if (error != std::errc() || end != number.data() + number.size() || bits < 0 || bits > largest) {
    throw AddressError(text, position,
                       "a prefix from 0 to " + std::to_string(largest) + " is expected");
  }
  return bits;
}

}  // namespace

AddressRange::AddressRange(std::string_view text) : bits_(kAllBits) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view host = text.substr(0, slash);
  in_addr ipv4{};
  const bool is_ipv4 = read_host(AF_INET, host, &ipv4);
  if (is_ipv4) {
    first_ = mapped(ipv4);
  } else if (!read_host(AF_INET6, host, &first_)) {
    throw AddressError(text, 0, "the address of a host is expected, without a port");
  }
  if (slash == text.size()) return;
  const int before = is_ipv4 ? kMappedBits : 0;
  bits_ = before + read_prefix(text, slash + 1, kAllBits - before);
  if (!same(prefix_of(first_, bits_), first_)) {
    throw AddressError(text, slash + 1, "the address has bits behind the prefix");
  }
}

bool AddressRange::contains(const Address& address) const noexcept {
  in6_addr host{};
  switch (address.family()) {
    case Address::Family::kIPv4:
      host = mapped(reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr);
      break;
    case Address::Family::kIPv6:
      host = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
      break;
    case Address::Family::kUnix:
      return false;
  }
  return same(prefix_of(host, bits_), first_);
}

}  // namespace colibri
