#include "samples/load_test/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
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

}  // namespace
}  // namespace load_test
