#include "colibri/core/stack.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "colibri/core/sanitizer.h"

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

/// Writes to every usable byte.
void touch_all(PrivateStack& stack) {
  std::memset(stack.low, 0x5a, stack.usable_bytes());
}

TEST(StackPool, ServesEverySizeUpToTheNextPowerOfTwo) {
  StackPool pool;
  for (const std::size_t bytes : {kSmallestStackBytes, kSmallestStackBytes + 1, kDefaultStackBytes,
                                  std::size_t{300'000}, kLargestStackBytes}) {
    PrivateStack* stack = pool.acquire(bytes);
    // A little goes to the struct itself and to the colour.
    EXPECT_GE(stack->usable_bytes() + 2'048, bytes);
    pool.release(stack);
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
  PrivateStack* small = pool.acquire(32 * 1024);
  pool.release(small);
  PrivateStack* large = pool.acquire(64 * 1024);
  EXPECT_NE(large, small);
  EXPECT_EQ(pool.acquire(20 * 1024), small) << "17 to 32 KiB are one size";
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
  for (int i = 0; i < 300; ++i) stacks.push_back(pool.acquire(kSmallestStackBytes));
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

TEST(StackPool, TrimmingReturnsMemoryAndKeepsStacksUsable) {
  StackPool pool;
  std::vector<PrivateStack*> free_stacks;
  for (int i = 0; i < 4; ++i) free_stacks.push_back(pool.acquire(kDefaultStackBytes));
  PrivateStack* used = pool.acquire(kDefaultStackBytes);
  for (PrivateStack* stack : free_stacks) touch_all(*stack);
  touch_all(*used);
  for (PrivateStack* stack : free_stacks) pool.release(stack);
  EXPECT_GE(resident_bytes(*free_stacks[0]), kDefaultStackBytes / 2);
  pool.trim_now();
  for (PrivateStack* stack : free_stacks) EXPECT_LE(resident_bytes(*stack), 8'192U);
  EXPECT_EQ(used->low[0], std::byte{0x5a}) << "a stack in use was trimmed";
  for (std::size_t i = free_stacks.size(); i-- > 0;) {
    PrivateStack* stack = pool.acquire(kDefaultStackBytes);
    EXPECT_EQ(stack, free_stacks[i]);
    touch_all(*stack);
  }
  for (PrivateStack* stack : free_stacks) pool.release(stack);
  pool.release(used);
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

/// What lies below a stack's lowest byte must not be writable.
void write_below(std::size_t distance) {
  StackPool pool;
  PrivateStack* stack = pool.acquire(kDefaultStackBytes);
  touch_all(*stack);
  *reinterpret_cast<volatile std::byte*>(stack->low - distance) = std::byte{1};
}

TEST(StackGuardDeathTest, AWriteBelowTheStackFaults) {
  EXPECT_DEATH(write_below(1), "");
  EXPECT_DEATH(write_below(4 * 4'096), "") << "the guard has four pages";
}

/// Runs `body` where MADV_GUARD_INSTALL fails, and ends the process: with 0, or with 2 where the
/// system does not let us lock memory.
template <class Body>
[[noreturn]] void exit_after(Body body) {
  constexpr int kNotAllowed = 2;
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) _exit(kNotAllowed);
  try {
    body();
  } catch (const std::system_error&) {
    _exit(kNotAllowed);
  }
  _exit(0);
}

bool was_not_allowed(int status) {
  return WIFEXITED(status) && WEXITSTATUS(status) == 2;
}

TEST(StackGuardDeathTest, WhereMemoryIsLockedTheGuardIsAMapping) {
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "their shadow cannot be locked";
  const auto faulted = [](int status) { return WIFSIGNALED(status) || was_not_allowed(status); };
  EXPECT_EXIT(exit_after([] { write_below(1); }), faulted, "");
  EXPECT_EXIT(exit_after([] { write_below(4 * 4'096); }), faulted, "");
}

TEST(StackGuardDeathTest, WhereMemoryIsLockedStacksWorkAsElsewhere) {
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "their shadow cannot be locked";
  const auto use_stacks = [] {
    StackPool pool;
    PrivateStack* first = pool.acquire(kDefaultStackBytes);
    PrivateStack* second = pool.acquire(kDefaultStackBytes);
    touch_all(*first);
    touch_all(*second);
    pool.release(first);
    pool.release(second);
    pool.trim_now();
    if (pool.acquire(kDefaultStackBytes) != second) _exit(3);
  };
  const auto ended_well = [](int status) {
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || was_not_allowed(status);
  };
  EXPECT_EXIT(exit_after(use_stacks), ended_well, "");
}

}  // namespace
}  // namespace colibri
