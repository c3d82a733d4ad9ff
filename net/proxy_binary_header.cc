#include "colibri/net/proxy_binary_header.h"

#include <algorithm>
#include <cstring>

#include "colibri/net/crc32c.h"

namespace colibri::net_detail {
namespace {

// Where things stand: behind the signature a byte with version and command, one with family and
// transport, and the size of all that follows.
constexpr std::size_t kVersionAt = 12;
constexpr std::size_t kFamilyAt = 13;
constexpr std::size_t kSizeAt = 14;
constexpr std::size_t kFixedSize = 16;

enum Command { kLocal = 0, kProxy = 1 };
enum Family { kUnspecified = 0, kInet = 1, kInet6 = 2, kUnix = 3 };
// Of transports, 0 is unspecified, 1 a stream, 2 datagrams.
constexpr unsigned kLastTransport = 2;

enum TlvType : unsigned {
  kAlpn = 0x01,
  kAuthority = 0x02,
  kCrc32c = 0x03,
  kUniqueId = 0x05,
};
constexpr std::size_t kTlvHeadSize = 3;
constexpr std::size_t kLongestUniqueId = 128;

unsigned byte_at(std::string_view bytes, std::size_t position) noexcept {
  return static_cast<unsigned char>(bytes[position]);
}

/// Two bytes, the higher first.
std::uint16_t number_at(std::string_view bytes, std::size_t position) noexcept {
  return static_cast<std::uint16_t>(byte_at(bytes, position) << 8 | byte_at(bytes, position + 1));
}

void check_version(std::string_view bytes) {
  if (bytes.size() <= kVersionAt) return;
  const unsigned version = byte_at(bytes, kVersionAt) >> 4;
  const unsigned command = byte_at(bytes, kVersionAt) & 0xf;
  if (version != 2) throw ProxyHeaderError(kVersionAt, "a version other than 2");
  if (command > kProxy) throw ProxyHeaderError(kVersionAt, "a command that is unknown");
}

/// Reads the addresses, and what stands behind them: values with a type and a length each.
class BlockReader {
 public:
  explicit BlockReader(std::string_view header) noexcept : header_(header) {}

  ProxyHeader read() {
    const unsigned family = byte_at(header_, kFamilyAt) >> 4;
    const unsigned transport = byte_at(header_, kFamilyAt) & 0xf;
    if (family > kUnix) throw ProxyHeaderError(kFamilyAt, "a family that is unknown");
    if (transport > kLastTransport) {
      throw ProxyHeaderError(kFamilyAt, "a transport that is unknown");
    }
    // What follows then is not to be looked at: nobody knows where the addresses end.
    if (family == kUnspecified || transport == 0) return {};
    read_ends(family);
    while (position_ != header_.size()) read_tlv();
    return std::move(result_);
  }

 private:
  std::string_view take(std::size_t size, std::string_view what) {
    if (header_.size() - position_ < size) {
      throw ProxyHeaderError(header_.size(), "the header ends within " + std::string(what));
    }
    const std::string_view bytes = header_.substr(position_, size);
    position_ += size;
    return bytes;
  }

  void read_ends(unsigned family) {
    constexpr std::string_view kWhat = "its addresses";
    if (family == kUnix) {
      result_.source = unix_address(take(sizeof(sockaddr_un::sun_path), kWhat));
      result_.destination = unix_address(take(sizeof(sockaddr_un::sun_path), kWhat));
      return;
    }
    const std::size_t host_size = family == kInet ? sizeof(in_addr) : sizeof(in6_addr);
    const std::string_view source = take(host_size, kWhat);
    const std::string_view destination = take(host_size, kWhat);
    const std::string_view ports = take(2 * sizeof(std::uint16_t), kWhat);
    result_.source = ip_address(source, number_at(ports, 0));
    result_.destination = ip_address(destination, number_at(ports, 2));
  }

  static Address ip_address(std::string_view host, std::uint16_t port) noexcept {
    in_addr ipv4{};
    in6_addr ipv6{};
    if (host.size() == sizeof ipv4) {
      std::memcpy(&ipv4, host.data(), sizeof ipv4);
      return Address::ipv4(ipv4, port);
    }
    std::memcpy(&ipv6, host.data(), sizeof ipv6);
    return Address::ipv6(ipv6, port);
  }

  /// A path ends at its first null byte. An abstract name begins with one, and nothing says where
  /// it ends: the null bytes at its end are taken for padding.
  static Address unix_address(std::string_view name) {
    const bool is_abstract = name.front() == '\0';
    const std::size_t size =
        is_abstract ? name.find_last_not_of('\0') + 1 : std::min(name.find('\0'), name.size());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), size);
    // As the kernel counts: a path with its null byte, if there is room for one.
    const std::size_t counted = is_abstract ? size : std::min(size + 1, name.size());
    return Address(reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + counted));
  }

  void read_tlv() {
    const std::size_t start = position_;
    const std::string_view head = take(kTlvHeadSize, "the head of a value");
    const std::string_view value = take(number_at(head, 1), "a value");
    switch (byte_at(head, 0)) {
      case kAlpn:
        return keep(result_.protocol, value);
      case kAuthority:
        return keep(result_.authority, value);
      case kUniqueId:
        if (value.size() > kLongestUniqueId) {
          throw ProxyHeaderError(start, "a unique id of more than 128 bytes");
        }
        return keep(result_.unique_id, value);
      case kCrc32c:
        return check_sum(start, value);
      default:  // padding, or of no use here
        break;
    }
  }

  /// Of several, the first counts.
  static void keep(std::string& kept, std::string_view value) {
    if (kept.empty()) kept = value;
  }

  void check_sum(std::size_t start, std::string_view value) const {
    if (value.size() != sizeof(std::uint32_t)) {
      throw ProxyHeaderError(start, "a checksum that has not four bytes");
    }
    const std::uint32_t sum = std::uint32_t{number_at(value, 0)} << 16 | number_at(value, 2);
    // It was made with zeros where it stands.
    std::string whole(header_);
    whole.replace(start + kTlvHeadSize, value.size(), value.size(), '\0');
    if (crc32c(whole) != sum) throw ProxyHeaderError(start, "a checksum that is wrong");
  }

  const std::string_view header_;
  std::size_t position_ = kFixedSize;
  ProxyHeader result_;
};

}  // namespace

ProxyHeaderExtent find_binary_proxy_header(std::string_view bytes, std::size_t most_bytes) {
  check_version(bytes);
  if (bytes.size() < kFixedSize) return {bytes.size(), false};
  const std::size_t size = kFixedSize + number_at(bytes, kSizeAt);
  if (size > most_bytes) {
    throw ProxyHeaderError(kSizeAt, "a header of " + std::to_string(size) + " bytes, where " +
                                        std::to_string(most_bytes) + " are allowed");
  }
  return {std::min(size, bytes.size()), bytes.size() >= size};
}

ProxyHeader parse_binary_proxy_header(std::string_view header) {
  // The proxy speaks for itself; whatever else it says is to be skipped.
  if ((byte_at(header, kVersionAt) & 0xf) == kLocal) return {.is_local = true};
  return BlockReader(header).read();
}

}  // namespace colibri::net_detail
