// By hand and not by inet_pton, which only says that something is wrong, and not where. What it
// takes is the same; a test compares the two.
#include "colibri/net/address_text.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <array>
#include <cstring>

namespace colibri {
namespace {

class AddressReader {
 public:
  explicit AddressReader(std::string_view text) noexcept : text_(text) {}

  Address read() {
    if (skip("unix:")) return read_unix();
    if (text_.empty()) fail("it is empty");
    if (!skip("[")) {
      const in_addr host = read_ipv4();
      return Address::ipv4(host, read_port());
    }
    const in6_addr host = read_ipv6();
    const std::uint32_t zone = read_zone();
    if (!skip("]")) fail("\"]\" is expected after the IPv6 address");
    return Address::ipv6(host, read_port(), zone);
  }

 private:
  static constexpr int kGroups = 8;

  [[noreturn]] void fail(std::string_view problem) const { fail_at(position_, problem); }
  [[noreturn]] void fail_at(std::size_t position, std::string_view problem) const {
    throw AddressError(text_, position, problem);
  }

  char next() const noexcept { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool skip(std::string_view expected) noexcept {
    if (!text_.substr(position_).starts_with(expected)) return false;
    position_ += expected.size();
    return true;
  }

  /// -1 if it is no digit to this base.
  static int digit_of(char letter, int base) noexcept {
    if (letter >= '0' && letter <= '9') return letter - '0';
    const char lower = static_cast<char>(letter | 0x20);
    return base == 16 && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  }

  /// A number of at most `most_digits` digits and at most `largest`.
  std::uint32_t read_number(int base, int most_digits, std::uint32_t largest,
                            std::string_view problem) {
    const std::size_t start = position_;
    std::uint32_t number = 0;
    for (int digits = 0; digit_of(next(), base) >= 0; ++digits, ++position_) {
      if (digits == most_digits) fail_at(start, problem);
      number = number * static_cast<std::uint32_t>(base) +
               static_cast<std::uint32_t>(digit_of(next(), base));
    }
    if (position_ == start || number > largest) fail_at(start, problem);
    return number;
  }

  std::uint16_t read_port() {
    if (!skip(":")) fail("\":\" and a port are expected");
    const auto port =
        static_cast<std::uint16_t>(read_number(10, 5, 65535, "a port from 0 to 65535 is expected"));
    if (position_ != text_.size()) fail("the address should end here");
    return port;
  }

  in_addr read_ipv4() {
    std::uint32_t host = 0;
    for (int part = 0; part < 4; ++part) {
      if (part != 0 && !skip(".")) fail("\".\" is expected: an IPv4 address has four numbers");
      const std::size_t start = position_;
      host = host << 8 | read_number(10, 3, 255, "a number from 0 to 255 is expected");
      // To some readers the number would be octal.
      if (text_[start] == '0' && position_ != start + 1) fail_at(start, "a leading zero");
    }
    return {htonl(host)};
  }

  bool ipv6_ends_here() const noexcept {
    const char letter = next();
    return letter == ']' || letter == '%' || letter == '\0';
  }

  /// True if the next thing within the IPv6 address is an IPv4 address.
  bool ipv4_comes() const noexcept {
    std::size_t end = position_;
    while (end < text_.size() && digit_of(text_[end], 10) >= 0) ++end;
    return end < text_.size() && text_[end] == '.';
  }

  in6_addr read_ipv6() {
    const std::size_t start = position_;
    std::array<std::uint16_t, kGroups> groups{};
    int count = 0;
    int gap = -1;  // which group follows the "::"
    if (skip("::")) gap = 0;
    while (!(ipv6_ends_here() && gap == count)) {
      if (count == kGroups) fail("an IPv6 address has eight groups");
      if (ipv4_comes()) {
        if (count > kGroups - 2) fail("there is no room for an IPv4 address here");
        const std::uint32_t host = ntohl(read_ipv4().s_addr);
        groups[static_cast<std::size_t>(count++)] = static_cast<std::uint16_t>(host >> 16);
        groups[static_cast<std::size_t>(count++)] = static_cast<std::uint16_t>(host);
        if (!ipv6_ends_here()) fail("an IPv6 address should end here");
        break;
      }
      groups[static_cast<std::size_t>(count++)] = static_cast<std::uint16_t>(
          read_number(16, 4, 0xffff, "a group of one to four hexadecimal digits is expected"));
      if (ipv6_ends_here()) break;
      if (!skip(":")) fail("\":\" or \"]\" is expected");
      if (next() == ':') {
        if (gap >= 0) fail("a second \"::\"");
        skip(":");
        gap = count;
      }
    }
    if (gap < 0 && count != kGroups) fail("an IPv6 address has eight groups");
    if (gap >= 0 && count == kGroups) fail_at(start, "\"::\" stands for no group here");
    return place(groups, count, gap);
  }

  /// The groups in their places: those after the gap are the last ones.
  static in6_addr place(const std::array<std::uint16_t, kGroups>& groups, int count,
                        int gap) noexcept {
    in6_addr host{};
    for (int i = 0; i < count; ++i) {
      const int to = gap >= 0 && i >= gap ? i + kGroups - count : i;
      host.s6_addr[2 * to] = static_cast<std::uint8_t>(groups[static_cast<std::size_t>(i)] >> 8);
      host.s6_addr[2 * to + 1] = static_cast<std::uint8_t>(groups[static_cast<std::size_t>(i)]);
    }
    return host;
  }

  std::uint32_t read_zone() {
    if (!skip("%")) return 0;
    const std::size_t start = position_;
    const std::size_t end = text_.find(']', start);
    const std::string name(text_.substr(start, end - start));
    if (digit_of(next(), 10) >= 0) {
      return read_number(10, 9, 999'999'999, "the number of a network interface is expected");
    }
    const unsigned index = if_nametoindex(name.c_str());
    if (index == 0) fail("no network interface of this name");
    position_ += name.size();
    return index;
  }

  Address read_unix() {
    const std::string_view path = text_.substr(position_);
    if (path.empty()) fail("the path of a Unix socket, or \"@\" and a name, is expected");
    const std::size_t null = path.find('\0');
    if (null != std::string_view::npos) fail_at(position_ + null, "a null byte");
    if (path.size() > 107) fail_at(position_ + 107, "the name of a Unix socket ends here at last");
    return Address::unix_socket(path);
  }

  const std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

Address read_address(std::string_view text) {
  return AddressReader(text).read();
}

bool read_host(int family, std::string_view text, void* host) {
  const bool has_null = text.find('\0') != std::string_view::npos;
  return !has_null && inet_pton(family, std::string(text).c_str(), host) == 1;
}

}  // namespace colibri
