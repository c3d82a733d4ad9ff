// Reading and writing addresses.
#include "colibri/net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>

namespace colibri {
namespace {

TEST(Address, ReadsAndWritesTheSameText) {
  for (const char* text :
       {"127.0.0.1:7777", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80", "[::]:0",
        "[2001:db8::8:800:200c:417a]:443", "[1:2:3:4:5:6:7:8]:1", "[::ffff:1.2.3.4]:9",
        "[fe80::1%lo]:22", "unix:/run/colibri.sock", "unix:relative", "unix:@abstract"}) {
    EXPECT_EQ(Address(text).to_string(), text);
  }
}

TEST(Address, ReadsOtherWaysToWriteIt) {
  EXPECT_EQ(Address("[0:0:0:0:0:0:0:1]:080"), Address::loopback_ipv6(80));
  EXPECT_EQ(Address("[FE80::0001%1]:1").to_string(), "[fe80::1%lo]:1");
  EXPECT_EQ(Address("[1:2:3:4:5:6:7::]:1"), Address("[1:2:3:4:5:6:7:0]:1"));
  EXPECT_EQ(Address("[::2:3:4:5:6:7:8]:1"), Address("[0:2:3:4:5:6:7:8]:1"));
  EXPECT_EQ(Address("[1::1.2.3.4]:1"), Address("[1::102:304]:1"));
}

TEST(Address, KnowsItsParts) {
  const Address ipv4("10.0.0.1:80");
  EXPECT_EQ(ipv4.family(), Address::Family::kIPv4);
  EXPECT_EQ(ipv4.port(), 80);
  EXPECT_EQ(ipv4.with_port(81), Address("10.0.0.1:81"));
  EXPECT_EQ(ipv4.path(), "");
  const Address ipv6("[::1]:80");
  EXPECT_EQ(ipv6.family(), Address::Family::kIPv6);
  EXPECT_EQ(ipv6.with_port(0), Address("[::1]:0"));
  const Address local("unix:/run/x");
  EXPECT_TRUE(local.is_unix());
  EXPECT_EQ(local.path(), "/run/x");
  EXPECT_EQ(local.port(), 0);
  EXPECT_EQ(local.with_port(5), local);
}

TEST(Address, MakesThoseThatHaveNames) {
  EXPECT_EQ(Address::any_ipv4(1).to_string(), "0.0.0.0:1");
  EXPECT_EQ(Address::any_ipv6(1).to_string(), "[::]:1");
  EXPECT_EQ(Address::loopback_ipv4(1).to_string(), "127.0.0.1:1");
  EXPECT_EQ(Address::loopback_ipv6(1).to_string(), "[::1]:1");
  EXPECT_EQ(Address::unix_socket("").to_string(), "unix:");
  EXPECT_EQ(Address::unix_socket("").size(), sizeof(sa_family_t)) << "without a name";
}

TEST(Address, TakesWhatTheKernelSays) {
  for (const char* text : {"1.2.3.4:5", "[::5%lo]:6", "unix:/a/b", "unix:@c"}) {
    const Address address(text);
    EXPECT_EQ(Address(address.data(), address.size()), address);
  }
  const sockaddr other{.sa_family = AF_NETLINK, .sa_data = {}};
  EXPECT_THROW(Address(&other, sizeof other), std::invalid_argument);
  EXPECT_THROW(Address(&other, 0), std::invalid_argument);
  sockaddr_in cut_off{};
  cut_off.sin_family = AF_INET;
  EXPECT_THROW(Address(reinterpret_cast<sockaddr*>(&cut_off), 4), std::invalid_argument);
}

TEST(Address, TellsDifferentOnesApart) {
  EXPECT_NE(Address("1.2.3.4:5"), Address("1.2.3.4:6"));
  EXPECT_NE(Address("1.2.3.4:5"), Address("1.2.3.5:5"));
  EXPECT_NE(Address("[::1]:5"), Address("[::1%lo]:5"));
  EXPECT_NE(Address("unix:/a"), Address("unix:/ab"));
  EXPECT_NE(Address("unix:a"), Address("unix:@a"));
}

struct BadText {
  std::string text;
  std::size_t position;
};
void PrintTo(const BadText& bad, std::ostream* out) {
  *out << testing::PrintToString(bad.text);
}

class BadAddress : public testing::TestWithParam<BadText> {};

TEST_P(BadAddress, IsRefusedWithThePlace) {
  const auto& [text, position] = GetParam();
  try {
    const Address address(text);
    ADD_FAILURE() << text << " was read as " << address.to_string();
  } catch (const AddressError& error) {
    EXPECT_EQ(error.position(), position) << error.what();
    EXPECT_NE(std::string(error.what()).find("character " + std::to_string(position + 1)),
              std::string::npos)
        << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadAddress,
    testing::Values(
        BadText{"", 0}, BadText{"localhost:80", 0}, BadText{"127.0.0.1", 9},
        BadText{"127.0.0.1:", 10}, BadText{"127.0.0.1:http", 10}, BadText{"127.0.0.1:65536", 10},
        BadText{"127.0.0.1:123456", 10}, BadText{"127.0.0.1:80 ", 12}, BadText{"127.0.0:80", 7},
        BadText{"127.0.0.256:80", 8}, BadText{"127.0..1:80", 6}, BadText{"127.0.0.01:80", 8},
        BadText{"127.0.0.1111:80", 8}, BadText{"127.0.0.1.2:80", 9}, BadText{" 127.0.0.1:80", 0},
        BadText{"::1:80", 0}, BadText{"[]:80", 1}, BadText{"[::1:80", 7}, BadText{"[::1]80", 5},
        BadText{"[::1]", 5}, BadText{"[1:2:3]:80", 6}, BadText{"[1::2::3]:80", 6},
        BadText{"[1:2:3:4:5:6:7:8:9]:80", 17}, BadText{"[1:2:3:4::5:6:7:8]:80", 1},
        BadText{"[12345::]:80", 1}, BadText{"[::g]:80", 3}, BadText{"[:1]:80", 1},
        BadText{"[1:]:80", 3}, BadText{"[1:2:3:4:5:6:7:1.2.3.4]:80", 15},
        BadText{"[::1.2.3]:80", 8}, BadText{"[::1.2.3.4:5]:80", 10}, BadText{"[::1%nosuch0]:80", 5},
        BadText{"[::1%]:80", 5}, BadText{"[::1%1x]:80", 6}, BadText{"unix:", 5},
        BadText{"unix:" + std::string(108, 'a'), 112}, BadText{std::string("unix:a\0b", 8), 6}));

TEST(AddressError, QuotesTheTextOnOneLine) {
  try {
    const Address address("1.2\n3" + std::string(1000, 'x'));
    FAIL();
  } catch (const AddressError& error) {
    const std::string what = error.what();
    EXPECT_EQ(what.find('\n'), std::string::npos);
    EXPECT_LT(what.size(), 200U);
    EXPECT_EQ(what.find("\"1.2?3xxx"), 0U) << what;
  }
}

/// Texts that look like hosts, some right and most nearly so.
class AlmostHosts {
 public:
  std::string ipv4() { return text("0123456789..", 3, 15); }
  std::string ipv6() {
    static const char* const kPieces[] = {":",    "::",      "1",     "ab", "0",
                                          "ffff", "1.2.3.4", "00001", "g"};
    std::string result;
    const int pieces = 1 + number(16);
    for (int i = 0; i < pieces; ++i) {
      result += kPieces[number(sizeof kPieces / sizeof kPieces[0])];
      if (number(2) == 0) result += ':';
    }
    return result;
  }

 private:
  int number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  std::string text(const std::string& letters, int shortest, int longest) {
    std::string result;
    const int size = shortest + number(longest - shortest + 1);
    for (int i = 0; i < size; ++i) {
      result += letters[static_cast<std::size_t>(number(static_cast<int>(letters.size())))];
    }
    return result;
  }
  std::mt19937 random_{20240607};
};

/// What Address makes of `text`, if it takes it.
bool reads(const std::string& text, std::string& result) {
  try {
    result = Address(text).to_string();
    return true;
  } catch (const AddressError&) {
    return false;
  }
}

TEST(Address, TakesWhatInetPtonTakesAndNothingElse) {
  AlmostHosts hosts;
  int good = 0;
  for (int i = 0; i < 100'000; ++i) {
    const bool is_ipv6 = i % 2 == 0;
    const std::string host = is_ipv6 ? hosts.ipv6() : hosts.ipv4();
    char canonical[INET6_ADDRSTRLEN];
    in6_addr expected{};
    const int family = is_ipv6 ? AF_INET6 : AF_INET;
    const bool is_good = inet_pton(family, host.c_str(), &expected) == 1;
    std::string text;
    ASSERT_EQ(reads(is_ipv6 ? '[' + host + "]:1" : host + ":1", text), is_good) << host;
    if (!is_good) continue;
    ++good;
    inet_ntop(family, &expected, canonical, sizeof canonical);
    ASSERT_EQ(text, is_ipv6 ? '[' + std::string(canonical) + "]:1" : canonical + std::string(":1"));
  }
  EXPECT_GT(good, 500) << "the texts are too bad to tell anything";
}

}  // namespace
}  // namespace colibri
