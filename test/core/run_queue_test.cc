#include "colibri/core/run_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace colibri {
namespace {

TEST(RunQueue, FirstComeFirstServed) {
  std::array<ControlBlock, 3> blocks;
  RunQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop_front(), nullptr);
  for (ControlBlock& block : blocks) queue.push_back(block);
  EXPECT_FALSE(queue.empty());
  for (ControlBlock& block : blocks) EXPECT_EQ(queue.pop_front(), &block);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop_front(), nullptr);
}

TEST(RunQueue, WhoIsPushedToTheFrontIsNext) {
  std::array<ControlBlock, 3> blocks;
  RunQueue queue;
  queue.push_front(blocks[1]);
  queue.push_back(blocks[2]);
  queue.push_front(blocks[0]);
  EXPECT_EQ(queue.size(), 3U);
  for (ControlBlock& block : blocks) EXPECT_EQ(queue.pop_front(), &block);
  EXPECT_TRUE(queue.empty());
}

TEST(RunQueue, WhoComesBackStandsLast) {
  std::array<ControlBlock, 2> blocks;
  RunQueue queue;
  for (ControlBlock& block : blocks) queue.push_back(block);
  for (int round = 0; round < 3; ++round) {
    for (ControlBlock& block : blocks) {
      ASSERT_EQ(queue.pop_front(), &block);
      queue.push_back(block);
    }
  }
}

TEST(RunQueue, RotatingIsToStandLastAndTakeTheFirst) {
  std::array<ControlBlock, 12> blocks;  // some more than are fetched ahead
  for (std::size_t waiting = 0; waiting < blocks.size(); ++waiting) {
    RunQueue queue;
    for (std::size_t i = 1; i <= waiting; ++i) queue.push_back(blocks[i]);
    std::size_t self = 0;
    for (std::size_t i = 0; i < 3 * blocks.size(); ++i) {
      const std::size_t next = (self + 1) % (waiting + 1);
      ASSERT_EQ(queue.rotate(blocks[self]), &blocks[next]);
      ASSERT_EQ(queue.size(), waiting);
      self = next;
    }
  }
}

TEST(RunQueue, ThePositionCountsWhoIsTaken) {
  std::array<ControlBlock, 2> blocks;
  RunQueue queue;
  const std::size_t start = queue.position();
  EXPECT_EQ(queue.pop_front(), nullptr);
  EXPECT_EQ(queue.position(), start);
  EXPECT_EQ(queue.rotate(blocks[0]), &blocks[0]);
  EXPECT_EQ(queue.position(), start + 1) << "also who is alone";
  queue.push_front(blocks[0]);
  EXPECT_EQ(queue.position(), start);
  queue.pop_front();
  queue.push_back(blocks[1]);
  queue.reserve(1'000);
  queue.shrink(1);
  EXPECT_EQ(queue.position(), start + 1) << "whatever room there is";
  EXPECT_EQ(queue.pop_front(), &blocks[1]);
  EXPECT_EQ(queue.position(), start + 2);
}

TEST(RunQueue, ClearForgetsEverybody) {
  std::array<ControlBlock, 2> blocks;
  RunQueue queue;
  for (ControlBlock& block : blocks) queue.push_back(block);
  queue.clear();
  EXPECT_TRUE(queue.empty());
  queue.push_back(blocks[1]);
  EXPECT_EQ(queue.pop_front(), &blocks[1]);
  EXPECT_EQ(queue.pop_front(), nullptr);
}

TEST(RunQueue, HoldsAsManyAsThereIsRoomFor) {
  constexpr std::size_t kCount = 10'000;
  std::vector<ControlBlock> blocks(kCount);
  // As coroutines that can run: the queue fetches the stacks of those who come soon.
  for (ControlBlock& block : blocks) block.stack_pointer = &block;
  RunQueue queue;
  for (std::size_t i = 0; i < kCount; ++i) {
    queue.reserve(i + 1);
    queue.push_back(blocks[i]);
  }
  EXPECT_EQ(queue.size(), kCount);
  for (ControlBlock& block : blocks) ASSERT_EQ(queue.pop_front(), &block);
  EXPECT_TRUE(queue.empty());
}

TEST(RunQueue, GrowsWithoutDisturbingThoseWhoWait) {
  std::vector<ControlBlock> blocks(2'000);
  for (ControlBlock& block : blocks) block.stack_pointer = &block;
  RunQueue queue;
  std::size_t pushed = 0;
  std::size_t popped = 0;
  // Two come for each that goes, so that it grows with its beginning in the middle of the ring.
  while (pushed + 2 <= blocks.size()) {
    queue.reserve(queue.size() + 2);
    queue.push_back(blocks[pushed++]);
    queue.push_back(blocks[pushed++]);
    ASSERT_EQ(queue.pop_front(), &blocks[popped++]);
  }
  while (popped < pushed) ASSERT_EQ(queue.pop_front(), &blocks[popped++]);
}

TEST(RunQueue, ShrinksToWhatIsNeededAndForgetsNobody) {
  constexpr std::size_t kCount = 3'000;
  std::vector<ControlBlock> blocks(kCount);
  for (ControlBlock& block : blocks) block.stack_pointer = &block;
  RunQueue queue;
  queue.reserve(50'000);
  for (ControlBlock& block : blocks) {
    queue.reserve(queue.size() + 1);
    queue.push_back(block);
  }
  // The ring's ends lie anywhere.
  for (int i = 0; i < 1'000; ++i) {
    ControlBlock* first = queue.pop_front();
    queue.push_back(*first);
  }
  queue.shrink(kCount);
  queue.shrink(kCount);
  EXPECT_EQ(queue.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(queue.pop_front(), &blocks[(1'000 + i) % kCount]);
  }
  queue.shrink(0);
  queue.push_back(blocks[0]);
  EXPECT_EQ(queue.pop_front(), &blocks[0]);
}

}  // namespace
}  // namespace colibri
