// Which hosts are in a range, and which texts are none.
#include "colibri/net/address_range.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace colibri {
namespace {

struct Membership {
  const char* range;
  const char* address;
  bool is_in;
};
void PrintTo(const Membership& membership, std::ostream* out) {
  *out << membership.address << " in " << membership.range;
}

class Range : public testing::TestWithParam<Membership> {};

TEST_P(Range, ContainsWhatBeginsAsItDoes) {
  const auto& [range, address, is_in] = GetParam();
  EXPECT_EQ(AddressRange(range).contains(address), is_in) << address << " in " << range;
}

INSTANTIATE_TEST_SUITE_P(
    Ranges, Range,
    testing::Values(
        Membership{"127.0.0.1", "127.0.0.1:80", true},
        Membership{"127.0.0.1", "127.0.0.2:80", false},
        Membership{"127.0.0.1", "[::ffff:127.0.0.1]:80", true},
        Membership{"127.0.0.1", "[::127.0.0.1]:80", false},
        Membership{"127.0.0.1/32", "127.0.0.0:80", false},
        Membership{"10.0.0.0/8", "10.255.255.255:1", true},
        Membership{"10.0.0.0/8", "11.0.0.0:1", false},
        Membership{"192.0.2.64/26", "192.0.2.127:1", true},
        Membership{"192.0.2.64/26", "192.0.2.128:1", false},
        Membership{"192.0.2.64/26", "192.0.2.63:1", false},
        Membership{"0.0.0.0/0", "255.1.2.3:1", true}, Membership{"0.0.0.0/0", "[::1]:1", false},
        Membership{"0.0.0.0/0", "unix:/x", false}, Membership{"::1", "[::1]:1", true},
        Membership{"::1", "[::1%lo]:1", true}, Membership{"::1", "[::2]:1", false},
        Membership{"::1", "0.0.0.1:1", false}, Membership{"fd00::/8", "[fdff::1]:1", true},
        Membership{"fd00::/8", "[fe00::1]:1", false},
        Membership{"2001:db8::/33", "[2001:db8:7fff::]:1", true},
        Membership{"2001:db8::/33", "[2001:db8:8000::]:1", false},
        Membership{"::ffff:10.0.0.0/104", "10.1.2.3:1", true}, Membership{"::/0", "[::1]:1", true},
        Membership{"::/0", "1.2.3.4:1", true}, Membership{"::/0", "unix:@x", false}));

struct BadText {
  std::string text;
  std::size_t position;
};
void PrintTo(const BadText& bad, std::ostream* out) {
  *out << testing::PrintToString(bad.text);
}

class BadRange : public testing::TestWithParam<BadText> {};

TEST_P(BadRange, IsRefusedWithThePlace) {
  const auto& [text, position] = GetParam();
  try {
    const AddressRange range(text);
    ADD_FAILURE() << text << " was taken";
  } catch (const AddressError& error) {
    EXPECT_EQ(error.position(), position) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadRange,
    testing::Values(BadText{"", 0}, BadText{"/8", 0}, BadText{"localhost", 0},
                    BadText{"10.0.0/8", 0}, BadText{std::string("10.0.0.0\0/8", 11), 0},
                    BadText{"127.0.0.1:80", 0}, BadText{"[::1]", 0}, BadText{"unix:/x", 0},
                    BadText{"::1%lo", 0}, BadText{"10.0.0.0/", 9}, BadText{"10.0.0.0/33", 9},
                    BadText{"10.0.0.0/-1", 9}, BadText{"10.0.0.0/8x", 9}, BadText{"10.0.0.0/ 8", 9},
                    BadText{"10.0.0.0/8/8", 9}, BadText{"::/129", 3}, BadText{"10.0.0.1/8", 9},
                    BadText{"fd00::1/127", 8}));

}  // namespace
}  // namespace colibri
