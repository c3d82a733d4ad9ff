#include "test/net/proxy_headers.h"

#include <sys/un.h>

namespace colibri::test {
namespace {

using std::string_literals::operator""s;

const std::string kSignature = "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"s;
const std::string kIpv4Ends = "\xc0\x00\x02\x01\xc6\x33\x64\x02\x0f\xa0\x01\xbb"s;

const ProxyHeader kIpv4{.source = "192.0.2.1:4000", .destination = "198.51.100.2:443"};
const ProxyHeader kNothing{};

std::string two_bytes(std::size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number)};
}

std::string padded(std::string name) {
  name.resize(sizeof(sockaddr_un::sun_path));
  return name;
}

ProxyHeader with(ProxyHeader header, std::string ProxyHeader::*member, std::string text) {
  header.*member = std::move(text);
  return header;
}

/// The kernel does not end a path that fills all the room.
Address longest_path() {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  for (char& each : name.sun_path) each = 'p';
  return Address(reinterpret_cast<const sockaddr*>(&name), sizeof name);
}

std::vector<GoodProxyHeader> text_headers() {
  const ProxyHeader ipv6{.source = "[2001:db8::1]:65535", .destination = "[::]:0"};
  return {
      {"text4", "PROXY TCP4 192.0.2.1 198.51.100.2 4000 443\r\n", kIpv4},
      {"text4_longest",
       "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
       {.source = "255.255.255.255:65535", .destination = "255.255.255.255:65535"}},
      {"text4_zeros",
       "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n",
       {.source = "0.0.0.0:0", .destination = "0.0.0.0:0"}},
      {"text6", "PROXY TCP6 2001:DB8::1 :: 65535 0\r\n", ipv6},
      {"text6_longest",
       "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       {.source = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        .destination = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"}},
      {"text_unknown", "PROXY UNKNOWN\r\n", kNothing},
      {"text_unknown_longest", "PROXY UNKNOWN " + std::string(91, '\xff') + "\r\n", kNothing},
  };
}

std::vector<GoodProxyHeader> binary_headers() {
  const std::string ipv6_ends = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01"s +
                                std::string(15, '\0') + "\x02\xff\xff\x00\x50"s;
  const ProxyHeader ipv6{.source = "[2001:db8::1]:65535", .destination = "[::2]:80"};
  const ProxyHeader local{.is_local = true};
  return {
      {"binary4", ipv4_header(), kIpv4},
      {"binary4_datagrams", binary_header(0x21, 0x12, kIpv4Ends), kIpv4},
      {"binary6", binary_header(0x21, 0x21, ipv6_ends), ipv6},
      {"unix_path",
       binary_header(0x21, 0x31, padded("/run/client") + padded("/run/proxy")),
       {.source = "unix:/run/client", .destination = "unix:/run/proxy"}},
      {"unix_others",
       binary_header(0x21, 0x31, padded("\0abstract"s) + padded("")),
       {.source = "unix:@abstract", .destination = Address::unix_socket("")}},
      {"unix_longest",
       binary_header(0x21, 0x32, std::string(108, 'p') + padded("x")),
       {.source = longest_path(), .destination = "unix:x"}},
      {"unspecified", binary_header(0x21, 0x00, ""), kNothing},
      {"unspecified_family", binary_header(0x21, 0x01, "ignored"), kNothing},
      {"unspecified_transport", binary_header(0x21, 0x10, kIpv4Ends), kNothing},
      {"local", binary_header(0x20, 0x00, ""), local},
      {"local_whatever_follows", binary_header(0x20, 0xff, kIpv4Ends + "\x03\xff"s), local},
  };
}

std::vector<GoodProxyHeader> headers_with_values() {
  const std::string id(128, '\0');
  // The sum was made by another program.
  const std::string sum = value(0x03, "\x12\x04\x07\x07"s);
  return {
      {"authority", ipv4_header(value(0x02, "example.com")),
       with(kIpv4, &ProxyHeader::authority, "example.com")},
      {"alpn", ipv4_header(value(0x01, "h2")), with(kIpv4, &ProxyHeader::protocol, "h2")},
      {"unique_id", ipv4_header(value(0x05, id)), with(kIpv4, &ProxyHeader::unique_id, id)},
      {"padding", ipv4_header(value(0x04, "") + value(0x04, std::string(500, 'x'))), kIpv4},
      {"unknown_value", ipv4_header(value(0xe0, "mine") + value(0x02, "behind it")),
       with(kIpv4, &ProxyHeader::authority, "behind it")},
      {"first_counts", ipv4_header(value(0x02, "first") + value(0x02, "second")),
       with(kIpv4, &ProxyHeader::authority, "first")},
      {"checksum", ipv4_header(sum), kIpv4},
  };
}

}  // namespace

std::string value(std::uint8_t type, std::string_view bytes) {
  return std::string(1, static_cast<char>(type)) + two_bytes(bytes.size()) + std::string(bytes);
}

std::string binary_header(std::uint8_t version_and_command, std::uint8_t family_and_transport,
                          std::string_view rest) {
  const std::string two{static_cast<char>(version_and_command),
                        static_cast<char>(family_and_transport)};
  return kSignature + two + two_bytes(rest.size()) + std::string(rest);
}

std::string ipv4_header(std::string_view values) {
  return binary_header(0x21, 0x11, kIpv4Ends + std::string(values));
}

std::vector<GoodProxyHeader> good_proxy_headers() {
  std::vector<GoodProxyHeader> all = text_headers();
  for (const auto& more : {binary_headers(), headers_with_values()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace colibri::test
