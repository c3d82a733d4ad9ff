// Memory that stacks no longer need goes back to the system.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "colibri/core/stack.h"

namespace colibri {
namespace {

constexpr std::size_t kPage = 4096;

/// Bytes from `low` to `high` that are in memory; none where nothing is mapped any more.
std::size_t resident_bytes(const std::byte* low, const std::byte* high) {
  const auto first = reinterpret_cast<std::uintptr_t>(low) & ~(kPage - 1);
  const auto size = reinterpret_cast<std::uintptr_t>(high) - first;
  std::vector<unsigned char> pages((size + kPage - 1) / kPage);
  if (mincore(reinterpret_cast<void*>(first), size, pages.data()) != 0) return 0;
  std::size_t resident = 0;
  for (const unsigned char page : pages) resident += (page & 1) * kPage;
  return resident;
}

/// Where a stack lies; outlives its PrivateStack.
struct Extent {
  explicit Extent(PrivateStack& stack)
      : low(stack.low), high(static_cast<std::byte*>(stack.top())) {}
  std::size_t resident() const { return resident_bytes(low, high); }

  std::byte* low;
  std::byte* high;
};

/// Takes `count` stacks and writes to all of each.
std::vector<PrivateStack*> take_and_fill(StackPool& pool, std::size_t count,
                                         std::size_t bytes = kDefaultStackBytes) {
  std::vector<PrivateStack*> stacks;
  for (std::size_t i = 0; i < count; ++i) {
    stacks.push_back(pool.acquire(bytes));
    std::memset(stacks.back()->low, 0x5a, stacks.back()->usable_bytes());
  }
  return stacks;
}

void give_all(StackPool& pool, const std::vector<PrivateStack*>& stacks) {
  for (PrivateStack* stack : stacks) pool.release(stack);
}

/// A whole pass. True if free stacks are left.
bool trim_idle(StackPool& pool) {
  pool.begin_trim();
  while (pool.trim_some()) {
  }
  return pool.has_free();
}

std::size_t sum_resident(const std::vector<Extent>& extents) {
  std::size_t sum = 0;
  for (const Extent& extent : extents) sum += extent.resident();
  return sum;
}

std::vector<Extent> extents_of(const std::vector<PrivateStack*>& stacks) {
  std::vector<Extent> extents;
  for (PrivateStack* stack : stacks) extents.emplace_back(*stack);
  return extents;
}

TEST(StackTrim, TrimNowTakesAllMemoryOfFreeStacksAndNothingFromOthers) {
  StackPool pool;
  const auto free_stacks = take_and_fill(pool, 4);
  const auto used = take_and_fill(pool, 1);
  const auto extents = extents_of(free_stacks);
  give_all(pool, free_stacks);
  EXPECT_GE(sum_resident(extents), 4 * kDefaultStackBytes);
  pool.trim_now();
  EXPECT_EQ(sum_resident(extents), 0U);
  EXPECT_FALSE(pool.has_free());
  EXPECT_EQ(used[0]->low[0], std::byte{0x5a}) << "a stack in use was trimmed";
  EXPECT_EQ(used[0]->low[used[0]->usable_bytes() - 1], std::byte{0x5a});
  give_all(pool, used);
}

TEST(StackTrim, TrimmedStacksAreTakenAgain) {
  StackPool pool;
  const auto before = take_and_fill(pool, 20);
  give_all(pool, before);
  pool.trim_now();
  const auto after = take_and_fill(pool, 20);
  for (PrivateStack* stack : before) {
    EXPECT_EQ(std::count(after.begin(), after.end(), stack), 1);
  }
  EXPECT_EQ(pool.in_use(), 20U);
  give_all(pool, after);
}

TEST(StackTrim, HolesAmongStacksInUseAreTrimmed) {
  StackPool pool;
  const auto all = take_and_fill(pool, 200, 64 * 1024);
  std::vector<PrivateStack*> kept;
  std::vector<PrivateStack*> given;
  for (std::size_t i = 0; i < all.size(); ++i) (i % 3 == 0 ? kept : given).push_back(all[i]);
  const auto extents = extents_of(given);
  give_all(pool, given);
  pool.trim_now();
  EXPECT_EQ(sum_resident(extents), 0U);
  for (const PrivateStack* stack : kept) {
    EXPECT_EQ(stack->low[0], std::byte{0x5a});
    EXPECT_EQ(stack->low[stack->usable_bytes() - 1], std::byte{0x5a});
  }
  give_all(pool, kept);
}

TEST(StackTrim, WhatWasJustGivenBackIsKeptForASecond) {
  StackPool pool;
  const auto stacks = take_and_fill(pool, 100, 64 * 1024);
  const std::size_t before = sum_resident(extents_of(stacks));
  give_all(pool, stacks);
  EXPECT_TRUE(trim_idle(pool)) << "nobody knows yet that they are not needed";
  EXPECT_EQ(sum_resident(extents_of(stacks)), before);
}

TEST(StackTrim, EachPassGivesBackHalfOfWhatWasNotUsed) {
  StackPool pool;
  const auto stacks = take_and_fill(pool, 128, 64 * 1024);
  const auto extents = extents_of(stacks);
  const std::size_t all = sum_resident(extents);
  give_all(pool, stacks);
  trim_idle(pool);
  EXPECT_TRUE(trim_idle(pool));
  EXPECT_NEAR(static_cast<double>(sum_resident(extents)), static_cast<double>(all / 2), 64 * kPage);
  EXPECT_TRUE(trim_idle(pool));
  EXPECT_NEAR(static_cast<double>(sum_resident(extents)), static_cast<double>(all / 4), 64 * kPage);
  int passes = 0;
  while (trim_idle(pool)) ASSERT_LT(++passes, 10);
  EXPECT_EQ(sum_resident(extents), 0U);
  EXPECT_FALSE(pool.has_free());
}

TEST(StackTrim, APassGoesInStepsAndLetsOthersTakeStacksMeanwhile) {
  StackPool pool;
  auto stacks = take_and_fill(pool, 4'000, 64 * 1024);
  const auto extents = extents_of(stacks);
  give_all(pool, stacks);
  pool.begin_trim();
  EXPECT_FALSE(pool.trim_some()) << "nobody knows yet that they are not needed";
  pool.begin_trim();
  ASSERT_TRUE(pool.trim_some());
  // All are needed again, in the midst of it.
  stacks = take_and_fill(pool, 4'000, 64 * 1024);
  EXPECT_FALSE(pool.trim_some());
  EXPECT_FALSE(pool.has_free());
  for (const PrivateStack* stack : stacks) ASSERT_EQ(stack->low[0], std::byte{0x5a});
  give_all(pool, stacks);
  while (trim_idle(pool)) {
  }
  EXPECT_EQ(sum_resident(extents), 0U);
}

TEST(StackTrim, WhatIsInTurnsUsedAndFreeStays) {
  StackPool pool;
  give_all(pool, take_and_fill(pool, 100, 64 * 1024));
  std::vector<PrivateStack*> busy;
  for (int pass = 0; pass < 20; ++pass) {
    for (int i = 0; i < 10; ++i) busy.push_back(pool.acquire(64 * 1024));
    give_all(pool, busy);
    busy.clear();
    trim_idle(pool);
  }
  // The ten that each second needs are warm, and the ninety are gone.
  EXPECT_EQ(pool.made(), 100U);
  std::size_t warm = 0;
  for (int i = 0; i < 100; ++i) {
    busy.push_back(pool.acquire(64 * 1024));
    const Extent extent(*busy.back());
    warm += resident_bytes(extent.low, extent.low + kPage) != 0 ? 1 : 0;
  }
  EXPECT_EQ(warm, 10U);
  give_all(pool, busy);
}

TEST(StackTrim, AllSizesAreTrimmed) {
  StackPool pool;
  std::vector<Extent> extents;
  for (const std::size_t bytes : {64UL * 1024, 256UL * 1024, 1024UL * 1024}) {
    const auto stacks = take_and_fill(pool, 2, bytes);
    for (const Extent& extent : extents_of(stacks)) extents.push_back(extent);
    give_all(pool, stacks);
  }
  while (trim_idle(pool)) {
  }
  EXPECT_EQ(sum_resident(extents), 0U);
}

/// What `key` says in /proc/self/status, in bytes.
std::size_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kibibytes = 0;
    if (word == key + ":" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

TEST(StackTrim, AddressSpaceThatNobodyNeedsGoesBack) {
  StackPool pool;
  give_all(pool, take_and_fill(pool, 1, 64 * 1024));
  const std::size_t before = status_bytes("VmSize");
  std::vector<PrivateStack*> stacks;
  for (int i = 0; i < 2'000; ++i) stacks.push_back(pool.acquire(64 * 1024));
  EXPECT_GT(status_bytes("VmSize"), before + 64UL * 1024 * 1024);
  give_all(pool, stacks);
  pool.trim_now();
  EXPECT_LT(status_bytes("VmSize"), before + 8UL * 1024 * 1024);
  stacks.clear();
  for (int i = 0; i < 2'000; ++i) stacks.push_back(pool.acquire(64 * 1024));
  give_all(pool, stacks);
}

}  // namespace
}  // namespace colibri
