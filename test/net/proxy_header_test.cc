// Reading headers of the PROXY protocol off bytes: good ones, bad ones, and all cut at every byte.
#include "colibri/net/proxy_header.h"

#include <gtest/gtest.h>

#include "colibri/net/crc32c.h"
#include "test/net/proxy_headers.h"

namespace colibri {
namespace {

using std::string_literals::operator""s;
using test::binary_header;
using test::GoodProxyHeader;
using test::ipv4_header;
using test::value;

constexpr std::size_t kMost = 1000;

TEST(Crc32c, IsThatOfTheStandard) {
  // RFC 3720, B.4.
  EXPECT_EQ(net_detail::crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(net_detail::crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(net_detail::crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(net_detail::crc32c(""), 0U);
}

class GoodHeader : public testing::TestWithParam<GoodProxyHeader> {};

TEST_P(GoodHeader, IsRead) {
  EXPECT_TRUE(parse_proxy_header(GetParam().bytes) == GetParam().meaning);
}

TEST_P(GoodHeader, EndsWhereItEnds) {
  const std::string& bytes = GetParam().bytes;
  for (const std::string& behind : {""s, "x"s, bytes, std::string(5000, '\r')}) {
    const ProxyHeaderExtent extent = find_proxy_header(bytes + behind, kMost);
    EXPECT_EQ(extent.size, bytes.size());
    EXPECT_TRUE(extent.is_complete);
  }
}

TEST_P(GoodHeader, CutAtAnyByteIsABeginning) {
  const std::string& bytes = GetParam().bytes;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string part = bytes.substr(0, size);
    const ProxyHeaderExtent extent = find_proxy_header(part, kMost);
    EXPECT_EQ(extent.size, size);
    EXPECT_FALSE(extent.is_complete);
    EXPECT_THROW(parse_proxy_header(part), ProxyHeaderError);
  }
}

TEST_P(GoodHeader, HasNothingBehindIt) {
  EXPECT_THROW(parse_proxy_header(GetParam().bytes + "x"), ProxyHeaderError);
}

INSTANTIATE_TEST_SUITE_P(Headers, GoodHeader, testing::ValuesIn(test::good_proxy_headers()),
                         [](const auto& header) { return header.param.name; });

struct BadProxyHeader {
  std::string bytes;
  std::size_t position;  // where it goes wrong
  std::string problem;
};
void PrintTo(const BadProxyHeader& header, std::ostream* out) {
  *out << testing::PrintToString(header.bytes);
}

class BadHeader : public testing::TestWithParam<BadProxyHeader> {};

/// What is done with a connection's bytes.
ProxyHeader read(const std::string& bytes) {
  const ProxyHeaderExtent extent = find_proxy_header(bytes, kMost);
  return parse_proxy_header(bytes.substr(0, extent.size));
}

TEST_P(BadHeader, IsRefusedWithThePlace) {
  const auto& [bytes, position, problem] = GetParam();
  try {
    read(bytes);
    ADD_FAILURE() << "was taken";
  } catch (const ProxyHeaderError& error) {
    EXPECT_EQ(error.position(), position) << error.what();
    EXPECT_EQ(error.problem(), problem);
    EXPECT_EQ(error.code(), std::errc::protocol_error);
    EXPECT_NE(
        std::string(error.what()).find("at byte " + std::to_string(position + 1) + ", " + problem),
        std::string::npos)
        << error.what();
  }
}

const char* const kNone = "this is no PROXY header";

INSTANTIATE_TEST_SUITE_P(
    NoHeaders, BadHeader,
    testing::Values(BadProxyHeader{"GET / HTTP/1.1\r\n", 0, kNone}, BadProxyHeader{"\0"s, 0, kNone},
                    BadProxyHeader{"PROXy TCP4", 4, kNone}, BadProxyHeader{"PROXY\tTCP4", 5, kNone},
                    BadProxyHeader{"P\r\n", 1, kNone}, BadProxyHeader{"PROXY\r\n", 5, kNone},
                    BadProxyHeader{"\r\n\r\nHELO", 4, kNone},
                    BadProxyHeader{"\r\n\r\n\0\r\nQUIT\r"s, 11, kNone}));

const char* const kFamilies = "TCP4, TCP6 or UNKNOWN is expected";
const char* const kNoIpv4 = "an IPv4 address is expected";
const char* const kNoIpv6 = "an IPv6 address is expected";
const char* const kNoPort = "a port from 0 to 65535 is expected";
const char* const kTooLong = "the line should have ended";
const char* const kNotOver = "the line should end here";

INSTANTIATE_TEST_SUITE_P(
    Lines, BadHeader,
    testing::Values(BadProxyHeader{"PROXY \r\n", 6, kFamilies},
                    BadProxyHeader{"PROXY  TCP4\r\n", 6, kFamilies},
                    BadProxyHeader{"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", 6, kFamilies},
                    BadProxyHeader{"PROXY UNKNOWNX\r\n", 6, kFamilies},
                    BadProxyHeader{"PROXY unknown\r\n", 6, kFamilies},
                    BadProxyHeader{"PROXY TCP4\r\n", 10, kNoIpv4},
                    BadProxyHeader{"PROXY TCP4 \r\n", 11, kNoIpv4},
                    BadProxyHeader{"PROXY TCP4 ::1 ::1 1 2\r\n", 11, kNoIpv4},
                    BadProxyHeader{"PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", 11, kNoIpv4},
                    BadProxyHeader{"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", 11, kNoIpv4},
                    BadProxyHeader{"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", 11, kNoIpv4},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n", 19, kNoIpv4},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n"s, 11, kNoIpv4},
                    BadProxyHeader{"PROXY TCP6 1.2.3.4 ::1 1 2\r\n", 11, kNoIpv6},
                    BadProxyHeader{"PROXY TCP6 fe80::1%lo ::1 1 2\r\n", 11, kNoIpv6},
                    BadProxyHeader{"PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n", 11, kNoIpv6},
                    BadProxyHeader{"PROXY TCP6 [::1] ::1 1 2\r\n", 11, kNoIpv6},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4\r\n", 26, kNoPort},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", 28, kNoPort},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", 27, kNoPort},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", 27, kNoPort},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", 27, kNoPort},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", 27, kNoPort},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 1 2x\r\n", 29, kNoPort},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", 30, kNotOver},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", 30, kNotOver},
                    BadProxyHeader{"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", 30,
                                   "a line's end without its carriage return"},
                    BadProxyHeader{"PROXY UNKNOWN\rX", 14, "a carriage return alone"},
                    BadProxyHeader{"PROXY UNKNOWN\r\r\n", 14, "a carriage return alone"},
                    BadProxyHeader{"PROXY UNKNOWN " + std::string(93, 'x'), 107, kTooLong},
                    BadProxyHeader{"PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", 107,
                                   kTooLong}));

const char* const kVersion = "a version other than 2";
const char* const kCommand = "a command that is unknown";
const char* const kFamily = "a family that is unknown";
const char* const kTransport = "a transport that is unknown";
const char* const kWithinAddresses = "the header ends within its addresses";
const char* const kWithinHead = "the header ends within the head of a value";
const char* const kWithinValue = "the header ends within a value";
const char* const kNotFour = "a checksum that has not four bytes";

INSTANTIATE_TEST_SUITE_P(
    Blocks, BadHeader,
    testing::Values(
        // Said as soon as it can be seen: who sent them may wait for an answer.
        BadProxyHeader{binary_header(0x11, 0x11, "").substr(0, 13), 12, kVersion},
        BadProxyHeader{binary_header(0x31, 0x11, ""), 12, kVersion},
        BadProxyHeader{binary_header(0x22, 0x11, "").substr(0, 13), 12, kCommand},
        BadProxyHeader{binary_header(0x2f, 0x11, ""), 12, kCommand},
        BadProxyHeader{binary_header(0x21, 0x41, std::string(300, 'x')), 13, kFamily},
        BadProxyHeader{binary_header(0x21, 0xf0, ""), 13, kFamily},
        BadProxyHeader{binary_header(0x21, 0x13, std::string(300, 'x')), 13, kTransport},
        BadProxyHeader{binary_header(0x21, 0x0f, ""), 13, kTransport},
        BadProxyHeader{binary_header(0x21, 0x11, ""), 16, kWithinAddresses},
        BadProxyHeader{binary_header(0x21, 0x11, std::string(11, 'x')), 27, kWithinAddresses},
        BadProxyHeader{binary_header(0x21, 0x21, std::string(35, 'x')), 51, kWithinAddresses},
        BadProxyHeader{binary_header(0x21, 0x31, std::string(215, 'x')), 231, kWithinAddresses},
        BadProxyHeader{ipv4_header("\x04"), 29, kWithinHead},
        BadProxyHeader{ipv4_header("\x04\0"s), 30, kWithinHead},
        BadProxyHeader{ipv4_header("\x04\0\1"s), 31, kWithinValue},
        BadProxyHeader{ipv4_header(value(0x02, "a") + "\x02\xff\xff" + "b"), 36, kWithinValue},
        BadProxyHeader{ipv4_header(value(0x05, std::string(129, 'x'))), 28,
                       "a unique id of more than 128 bytes"},
        BadProxyHeader{ipv4_header(value(0x03, "123")), 28, kNotFour},
        BadProxyHeader{ipv4_header(value(0x03, "12345")), 28, kNotFour},
        BadProxyHeader{ipv4_header(value(0x04, "") + value(0x03, "")), 31, kNotFour},
        BadProxyHeader{binary_header(0x21, 0x11, std::string(985, 'x')), 14,
                       "a header of 1001 bytes, where 1000 are allowed"}));

TEST(ProxyHeader, OfTheSizeAllowedIsAllowed) {
  const std::string longest = ipv4_header(value(0x04, std::string(kMost - 31, 'x')));
  ASSERT_EQ(longest.size(), kMost);
  EXPECT_EQ(read(longest).source->to_string(), "192.0.2.1:4000");
}

TEST(ProxyHeader, WithAChecksumIsRefusedIfAnyBitIsWrong) {
  const std::string good = ipv4_header(value(0x03, "\x12\x04\x07\x07"));
  ASSERT_EQ(read(good).source->to_string(), "192.0.2.1:4000");
  // What is before says what all this is; a wrong bit there may make it something else.
  constexpr std::size_t kAddresses = 16;
  constexpr std::size_t kType = 28;
  for (std::size_t position = kAddresses; position < good.size(); ++position) {
    if (position >= kType && position < kType + 3) continue;
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[position] = static_cast<char>(bad[position] ^ 1 << bit);
      EXPECT_THROW(read(bad), ProxyHeaderError) << "byte " << position << ", bit " << bit;
    }
  }
}

TEST(ProxyHeader, ChecksumCoversWhatStandsBehindIt) {
  const auto with_sum = [](std::uint32_t sum) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(sum >> shift);
    return ipv4_header(value(0x03, bytes) + value(0x02, "example.com"));
  };
  const std::string good = with_sum(net_detail::crc32c(with_sum(0)));
  EXPECT_EQ(read(good).authority, "example.com");
  std::string bad = good;
  bad.back() = 'n';
  EXPECT_THROW(read(bad), ProxyHeaderError);
}

}  // namespace
}  // namespace colibri
