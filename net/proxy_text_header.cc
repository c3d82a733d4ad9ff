#include "colibri/net/proxy_text_header.h"

#include <algorithm>
#include <charconv>

#include "colibri/net/address_text.h"

namespace colibri::net_detail {
namespace {

// With the line's end: what the longest addresses take behind the longest word for a protocol.
constexpr std::size_t kLongestLine = 107;
constexpr std::string_view kLineEnd = "\r\n";

/// Reads the line without its end, field by field.
class LineReader {
 public:
  explicit LineReader(std::string_view line) noexcept : line_(line) {}

  ProxyHeader read() {
    position_ = kProxyWord.size();
    const std::string_view protocol = take_field();
    // What follows this word has no form, and no meaning.
    if (protocol == "UNKNOWN") return {};
    if (protocol == "TCP4") return read_ends(AF_INET);
    if (protocol == "TCP6") return read_ends(AF_INET6);
    fail("TCP4, TCP6 or UNKNOWN is expected");
  }

 private:
  [[noreturn]] void fail(std::string_view problem) const {
    throw ProxyHeaderError(field_start_, problem);
  }

  /// Up to a space, which is skipped, or to the line's end.
  std::string_view take_field() noexcept {
    field_start_ = std::min(position_, line_.size());
    const std::size_t end = std::min(line_.find(' ', field_start_), line_.size());
    position_ = end + 1;
    return line_.substr(field_start_, end - field_start_);
  }

  ProxyHeader read_ends(int family) {
    const in6_addr source = take_host(family);
    const in6_addr destination = take_host(family);
    const std::uint16_t source_port = take_port();
    const std::uint16_t destination_port = take_port();
    // A space at the end, too: then another field would have to follow.
    if (position_ <= line_.size()) {
      throw ProxyHeaderError(position_ - 1, "the line should end here");
    }
    return {.source = make_address(family, source, source_port),
            .destination = make_address(family, destination, destination_port)};
  }

  /// IPv4 addresses lie in the first bytes of the result.
  in6_addr take_host(int family) {
    in6_addr host{};
    if (!read_host(family, take_field(), &host)) {
      fail(family == AF_INET ? "an IPv4 address is expected" : "an IPv6 address is expected");
    }
    return host;
  }

  std::uint16_t take_port() {
    const std::string_view text = take_field();
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    // To some readers, a leading zero would make it octal.
    const bool has_leading_zero = text.size() > 1 && text.front() == '0';
    if (error != std::errc() || end != text.data() + text.size() || has_leading_zero) {
      fail("a port from 0 to 65535 is expected");
    }
    return port;
  }

  static Address make_address(int family, const in6_addr& host, std::uint16_t port) noexcept {
    return family == AF_INET6 ? Address::ipv6(host, port)
                              : Address::ipv4({host.s6_addr32[0]}, port);
  }

  const std::string_view line_;
  std::size_t position_ = 0;
  std::size_t field_start_ = 0;
};

}  // namespace

ProxyHeaderExtent find_text_proxy_header(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, kLongestLine);
  const std::size_t end = std::min(line.find_first_of(kLineEnd), line.size());
  // Nothing but the two together ends a line.
  if (end < line.size() && line[end] == '\n') {
    throw ProxyHeaderError(end, "a line's end without its carriage return");
  }
  if (end + 1 < line.size()) {
    if (line[end + 1] != '\n') throw ProxyHeaderError(end + 1, "a carriage return alone");
    return {end + kLineEnd.size(), true};
  }
  if (bytes.size() >= kLongestLine) {
    throw ProxyHeaderError(kLongestLine, "the line should have ended");
  }
  return {bytes.size(), false};
}

ProxyHeader parse_text_proxy_header(std::string_view header) {
  return LineReader(header.substr(0, header.size() - kLineEnd.size())).read();
}

}  // namespace colibri::net_detail
