#include "colibri/core/slab_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "test/support/scale.h"

namespace colibri {
namespace {

TEST(SlabMemory, GivesWhatIsAskedForAndLittleMore) {
  for (std::size_t bytes = 1; bytes <= 200'000; bytes += bytes < 2000 ? 1 : 997) {
    SlabMemory memory;
    void* piece = memory.allocate(bytes);
    ASSERT_NE(piece, nullptr);
    std::memset(piece, 1, bytes);
    const std::size_t capacity = SlabMemory::capacity_of(piece);
    EXPECT_EQ(capacity, SlabMemory::capacity_for(bytes)) << bytes;
    EXPECT_GE(capacity, bytes);
    EXPECT_LE(capacity, bytes <= 1024 ? bytes + 7 : bytes + bytes / 8 + 4096) << bytes;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % (bytes % 16 == 0 ? 16 : 8), 0U) << bytes;
    EXPECT_EQ(memory.in_use(), capacity);
    memory.free(piece);
    EXPECT_EQ(memory.in_use(), 0U);
  }
}

TEST(SlabMemory, FreedPiecesAreUsedAgain) {
  SlabMemory memory;
  void* first = memory.allocate(80);
  memory.free(first);
  EXPECT_EQ(memory.allocate(80), first);
  memory.free(first);
  memory.free(nullptr);
}

TEST(SlabMemory, EmptySlabsServeOtherSizesAndGoBack) {
  SlabMemory memory;
  std::vector<void*> pieces;
  const auto take = [&](std::size_t bytes) {
    for (int i = 0; i < 10'000; ++i) pieces.push_back(memory.allocate(bytes));
  };
  const auto give = [&] {
    for (void* piece : pieces) memory.free(piece);
    pieces.clear();
  };
  take(200);
  give();
  EXPECT_TRUE(memory.has_memory_to_trim());
  take(208);
  give();
  memory.trim_now();
  EXPECT_FALSE(memory.has_memory_to_trim());
  EXPECT_EQ(memory.in_use(), 0U);
  take(8);
  give();
}

// No piece overlaps another, whatever the order.
TEST(SlabMemory, RandomUse) {
  struct Piece {
    unsigned char* bytes;
    std::size_t size;
    unsigned char mark;
  };
  SlabMemory memory;
  std::minstd_rand random(7);
  std::vector<Piece> pieces;
  const std::size_t steps = test::many_operations(200'000);
  for (std::size_t step = 0; step < steps; ++step) {
    if (random() % 3 == 0 && !pieces.empty()) {
      std::swap(pieces[random() % pieces.size()], pieces.back());
      const Piece piece = pieces.back();
      pieces.pop_back();
      for (std::size_t i = 0; i < piece.size; i += 7) ASSERT_EQ(piece.bytes[i], piece.mark);
      memory.free(piece.bytes);
    } else if (pieces.size() < 2000) {
      const std::size_t size = random() % 50 == 0 ? random() % 60'000 + 1 : random() % 300 + 1;
      auto* bytes = static_cast<unsigned char*>(memory.allocate(size));
      ASSERT_NE(bytes, nullptr);
      const auto mark = static_cast<unsigned char>(step);
      std::memset(bytes, mark, size);
      pieces.push_back({bytes, size, mark});
    }
    if (step % 10'000 == 0) memory.trim_now();
  }
  for (const Piece& piece : pieces) memory.free(piece.bytes);
  EXPECT_EQ(memory.in_use(), 0U);
}

}  // namespace
}  // namespace colibri
