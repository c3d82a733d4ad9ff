#include "colibri/core/stack.h"

#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "colibri/core/control_block.h"

namespace colibri {
namespace {

/// Bytes of `stack` that are in memory.
std::size_t resident_bytes(PrivateStack& stack) {
  constexpr std::uintptr_t kPage = 4096;
  const auto low = reinterpret_cast<std::uintptr_t>(stack.low) & ~(kPage - 1);
  const auto high = reinterpret_cast<std::uintptr_t>(stack.top());
  std::vector<unsigned char> pages((high - low + kPage - 1) / kPage);
  EXPECT_EQ(mincore(reinterpret_cast<void*>(low), high - low, pages.data()), 0);
  std::size_t resident = 0;
  for (const unsigned char page : pages) resident += (page & 1) * kPage;
  return resident;
}

TEST(StackPool, ServesEverySizeUpToTheNextPowerOfTwo) {
  StackPool pool;
  for (const std::size_t bytes :
       {smallest_stack_bytes(), smallest_stack_bytes() + 1, kDefaultStackBytes,
        std::size_t{300'000}, std::size_t{1024 * 1024}, kLargestStackBytes}) {
    std::vector<PrivateStack*> stacks;
    // Of every colour.
    for (int i = 0; i < 30; ++i) stacks.push_back(pool.acquire(bytes));
    for (PrivateStack* stack : stacks) {
      EXPECT_GE(stack->usable_bytes(), bytes + sizeof(ControlBlock));
      pool.release(stack);
    }
  }
}

TEST(StackPool, RefusesOtherSizesWithASentence) {
  StackPool pool;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, kSmallestStackBytes - 1,
                                  kLargestStackBytes + 1, ~std::size_t{0}}) {
    try {
      pool.acquire(bytes);
      FAIL() << bytes << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(error.what(), "a stack of " + std::to_string(bytes) +
                                  " bytes was asked for; sizes from 16 KiB to 64 MiB are possible");
    }
  }
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(pool.made(), 0U);
}

TEST(StackPool, OffersNoStackThatFourSignalsWouldFill) {
  EXPECT_GE(smallest_stack_bytes(), kSmallestStackBytes);
  EXPECT_GE(smallest_stack_bytes(), 4 * getauxval(51));  // AT_MINSIGSTKSZ
  StackPool pool;
  PrivateStack* stack = pool.acquire(kSmallestStackBytes);
  EXPECT_GE(stack->usable_bytes(), smallest_stack_bytes());
  pool.release(stack);
  EXPECT_EQ(pool.acquire(kSmallestStackBytes), stack);
  pool.release(stack);
}

TEST(StackPool, GivesOutLastWhatWasGivenBackFirst) {
  StackPool pool;
  PrivateStack* first = pool.acquire(kDefaultStackBytes);
  PrivateStack* second = pool.acquire(kDefaultStackBytes);
  pool.release(first);
  pool.release(second);
  EXPECT_EQ(pool.acquire(kDefaultStackBytes), second);
  EXPECT_EQ(pool.acquire(kDefaultStackBytes), first);
  EXPECT_EQ(pool.made(), 2U);
  pool.release(first);
  pool.release(second);
}

TEST(StackPool, KeepsSizesApart) {
  StackPool pool;
  PrivateStack* small = pool.acquire(128 * 1024);
  pool.release(small);
  PrivateStack* large = pool.acquire(256 * 1024);
  EXPECT_NE(large, small);
  EXPECT_EQ(pool.acquire(65 * 1024), small) << "65 to 128 KiB are one size";
  pool.release(small);
  pool.release(large);
}

TEST(StackPool, CountsWhatIsInUse) {
  StackPool pool;
  std::vector<PrivateStack*> stacks;
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(pool.in_use(), i);
    stacks.push_back(pool.acquire(kDefaultStackBytes));
  }
  EXPECT_EQ(pool.made(), 100U);
  for (PrivateStack* stack : stacks) pool.release(stack);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(pool.made(), 100U);
}

TEST(StackPool, StacksAreWritableDownToTheLowestByteAndDoNotOverlap) {
  StackPool pool;
  std::vector<PrivateStack*> stacks;
  // More than one slab.
  for (int i = 0; i < 300; ++i) stacks.push_back(pool.acquire(smallest_stack_bytes()));
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    std::memset(stacks[i]->low, static_cast<int>(i % 251), stacks[i]->usable_bytes());
  }
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    const auto expected = static_cast<std::byte>(i % 251);
    ASSERT_EQ(stacks[i]->low[0], expected);
    ASSERT_EQ(stacks[i]->low[stacks[i]->usable_bytes() - 1], expected);
  }
  for (PrivateStack* stack : stacks) pool.release(stack);
}

TEST(StackPool, NeighboursBeginAtDifferentPlacesOfACachePage) {
  StackPool pool;
  std::set<std::uintptr_t> places;
  std::vector<PrivateStack*> stacks;
  for (int i = 0; i < 24; ++i) {
    stacks.push_back(pool.acquire(kDefaultStackBytes));
    const auto top = reinterpret_cast<std::uintptr_t>(stacks.back()->top());
    EXPECT_EQ(top % 64, 0U);
    places.insert(top % 4'096);
  }
  EXPECT_EQ(places.size(), stacks.size());
  for (PrivateStack* stack : stacks) pool.release(stack);
}

TEST(StackPool, IsEachThreadsOwn) {
  StackPool* mine = &thread_stack_pool();
  StackPool* others = nullptr;
  std::thread([&] { others = &thread_stack_pool(); }).join();
  EXPECT_EQ(&thread_stack_pool(), mine);
  EXPECT_NE(others, mine);
}

TEST(StackPool, UntouchedStacksTakeAlmostNoMemory) {
  StackPool pool;
  std::vector<PrivateStack*> stacks;
  for (int i = 0; i < 100; ++i) stacks.push_back(pool.acquire(1024 * 1024));
  std::size_t resident = 0;
  for (PrivateStack* stack : stacks) resident += resident_bytes(*stack);
  EXPECT_LE(resident, stacks.size() * 8'192);
  for (PrivateStack* stack : stacks) pool.release(stack);
}

}  // namespace
}  // namespace colibri
