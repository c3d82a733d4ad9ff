#include "colibri/net/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

#include "colibri/net/address_text.h"

namespace colibri {
namespace {

constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);
// One less than there is room for: a path ends with a null byte, and what cuts it off is no
// surprise for anybody then.
constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;

/// The text as it may stand in a message: on one line, and not too long.
std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 80;
  std::string result(text.substr(0, kMost));
  std::replace_if(
      result.begin(), result.end(), [](char each) { return each < ' ' || each > '~'; }, '?');
  return '"' + result + (text.size() > kMost ? "…\"" : "\"");
}

std::string zone_text(std::uint32_t zone) {
  if (zone == 0) return "";
  char name[IF_NAMESIZE];
  return '%' + (if_indextoname(zone, name) != nullptr ? name : std::to_string(zone));
}

}  // namespace

AddressError::AddressError(std::string_view text, std::size_t position, std::string_view problem)
    : std::invalid_argument(
          quoted(text) + " is no address: " + std::string(problem) +
          (position < text.size() ? ", at character " : ", at the end, character ") +
          std::to_string(position + 1)),
      position_(position) {}

Address::Address(std::string_view text) : Address(read_address(text)) {}

Address::Address(const sockaddr* address, socklen_t size) {
  const sa_family_t family =
      size < sizeof(sa_family_t) ? sa_family_t{AF_UNSPEC} : address->sa_family;
  const bool known = family == AF_UNIX || (family == AF_INET && size >= sizeof(sockaddr_in)) ||
                     (family == AF_INET6 && size >= sizeof(sockaddr_in6));
  if (!known) throw std::invalid_argument("an address of a family that is neither IP nor Unix");
  if (family == AF_INET) size = sizeof(sockaddr_in);
  if (family == AF_INET6) size = sizeof(sockaddr_in6);
  size_ = std::min<socklen_t>(size, sizeof name_);
  std::memcpy(&name_, address, size_);
  if (family == AF_INET) std::memset(name_.ipv4.sin_zero, 0, sizeof name_.ipv4.sin_zero);
}

Address Address::ipv4(in_addr host, std::uint16_t port) noexcept {
  Address address;
  address.name_.ipv4.sin_family = AF_INET;
  address.name_.ipv4.sin_addr = host;
  address.name_.ipv4.sin_port = htons(port);
  address.size_ = sizeof(sockaddr_in);
  return address;
}

Address Address::ipv6(const in6_addr& host, std::uint16_t port, std::uint32_t zone) noexcept {
  Address address;
  address.name_.ipv6.sin6_family = AF_INET6;
  address.name_.ipv6.sin6_addr = host;
  address.name_.ipv6.sin6_port = htons(port);
  address.name_.ipv6.sin6_scope_id = zone;
  address.size_ = sizeof(sockaddr_in6);
  return address;
}

Address Address::unix_socket(std::string_view path) {
  if (path.size() > kLongestPath) {
    throw std::invalid_argument("the name of a Unix socket has at most 107 bytes: " + quoted(path));
  }
  if (path.find('\0') != std::string_view::npos) {
    throw std::invalid_argument("a null byte in the name of a Unix socket: " + quoted(path));
  }
  Address address;
  address.name_.local.sun_family = AF_UNIX;
  std::memcpy(address.name_.local.sun_path, path.data(), path.size());
  const bool is_abstract = path.starts_with('@');
  if (is_abstract) address.name_.local.sun_path[0] = '\0';
  // A path counts with its null byte, an abstract name has none, and without a name nothing counts.
  const std::size_t end = is_abstract || path.empty() ? 0 : 1;
  address.size_ = static_cast<socklen_t>(kPathOffset + path.size() + end);
  return address;
}

Address Address::any_ipv4(std::uint16_t port) noexcept {
  return ipv4({htonl(INADDR_ANY)}, port);
}

Address Address::any_ipv6(std::uint16_t port) noexcept {
  return ipv6(in6addr_any, port);
}

Address Address::loopback_ipv4(std::uint16_t port) noexcept {
  return ipv4({htonl(INADDR_LOOPBACK)}, port);
}

Address Address::loopback_ipv6(std::uint16_t port) noexcept {
  return ipv6(in6addr_loopback, port);
}

Address::Family Address::family() const noexcept {
  switch (name_.any.sa_family) {
    case AF_INET:
      return Family::kIPv4;
    case AF_INET6:
      return Family::kIPv6;
    default:
      return Family::kUnix;
  }
}

std::uint16_t Address::port() const noexcept {
  switch (family()) {
    case Family::kIPv4:
      return ntohs(name_.ipv4.sin_port);
    case Family::kIPv6:
      return ntohs(name_.ipv6.sin6_port);
    case Family::kUnix:
      break;
  }
  return 0;
}

Address Address::with_port(std::uint16_t port) const noexcept {
  Address address = *this;
  if (family() == Family::kIPv4) address.name_.ipv4.sin_port = htons(port);
  if (family() == Family::kIPv6) address.name_.ipv6.sin6_port = htons(port);
  return address;
}

std::string Address::path() const {
  if (!is_unix() || size_ <= kPathOffset) return "";
  const char* path = name_.local.sun_path;
  const std::size_t size = size_ - kPathOffset;
  if (path[0] == '\0') return '@' + std::string(path + 1, size - 1);
  return std::string(path, strnlen(path, size));
}

std::string Address::to_string() const {
  char host[INET6_ADDRSTRLEN];
  switch (family()) {
    case Family::kIPv4:
      inet_ntop(AF_INET, &name_.ipv4.sin_addr, host, sizeof host);
      return std::string(host) + ':' + std::to_string(port());
    case Family::kIPv6:
      inet_ntop(AF_INET6, &name_.ipv6.sin6_addr, host, sizeof host);
      return '[' + std::string(host) + zone_text(name_.ipv6.sin6_scope_id) +
             "]:" + std::to_string(port());
    case Family::kUnix:
      break;
  }
  return "unix:" + path();
}

bool operator==(const Address& left, const Address& right) noexcept {
  return left.size_ == right.size_ && std::memcmp(&left.name_, &right.name_, left.size_) == 0;
}

}  // namespace colibri
