#include "samples/load_test/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace load_test {
namespace {

std::vector<std::byte> bytes_of(std::span<const std::byte> piece) {
  return {piece.begin(), piece.end()};
}

TEST(PatternTest, IsTheSameHoweverItIsCutIntoPieces) {
  const Pattern pattern(64);
  const auto whole = bytes_of(pattern.piece(7, 60'000, Pattern::kLongestPiece));
  std::vector<std::byte> joined;
  for (std::size_t size = 1; joined.size() < whole.size(); size = size * 3 + 1) {
    const auto next =
        pattern.piece(7, 60'000 + joined.size(), std::min(size, whole.size() - joined.size()));
    joined.insert(joined.end(), next.begin(), next.end());
  }
  EXPECT_EQ(joined, whole);
}

TEST(PatternTest, GivesEachMessageOfAConnectionBytesOfItsOwn) {
  // The last two sizes are the ring's usual length and its double.
  for (std::uint64_t size : {std::uint64_t{16}, std::uint64_t{64}, std::uint64_t{65'536},
                             std::uint64_t{65'521}, std::uint64_t{131'042}}) {
    const Pattern pattern(size);
    std::set<std::vector<std::byte>> beginnings;
    for (std::uint64_t message = 0; message < 1000; ++message) {
      beginnings.insert(bytes_of(pattern.piece(3, message * size, 16)));
    }
    EXPECT_EQ(beginnings.size(), 1000U) << size;
  }
}

TEST(PatternTest, GivesEachConnectionBytesOfItsOwn) {
  const Pattern pattern(64);
  std::set<std::vector<std::byte>> beginnings;
  for (std::uint64_t connection = 0; connection < 20'000; ++connection) {
    beginnings.insert(bytes_of(pattern.piece(connection, 0, 16)));
  }
  EXPECT_EQ(beginnings.size(), 20'000U);
}

TEST(PatternTest, PutsASizeBeforeEachFrame) {
  for (std::uint64_t payload : {1U, 60U, 300U, 70'000U}) {
    const Pattern pattern = Pattern::framed(payload);
    ASSERT_EQ(pattern.message_bytes(), payload + 4);
    for (std::uint64_t message = 0; message < 500; ++message) {
      const auto prefix = pattern.piece(5, message * (payload + 4), 4);
      std::uint64_t size = 0;
      for (std::byte byte : prefix) size = size << 8 | std::to_integer<std::uint64_t>(byte);
      ASSERT_EQ(size, payload) << message;
    }
  }
}

TEST(PatternTest, GivesNeighbouringFramesBytesOfTheirOwn) {
  for (std::uint64_t payload : {16U, 5'000'000U}) {
    const Pattern pattern = Pattern::framed(payload);
    std::set<std::vector<std::byte>> beginnings;
    for (std::uint64_t message = 0; message < 3; ++message) {
      beginnings.insert(bytes_of(pattern.piece(3, message * (payload + 4) + 4, 16)));
    }
    EXPECT_EQ(beginnings.size(), 3U) << payload;
  }
}

TEST(PatternTest, RepeatsAMessageWithoutEnd) {
  const Pattern pattern = Pattern::repeated("abc");
  const auto piece = pattern.piece(9, 3'000'001, 5);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(piece.data()), piece.size()), "bcabc");
  EXPECT_EQ(pattern.message_bytes(), 3U);
}

}  // namespace
}  // namespace load_test
