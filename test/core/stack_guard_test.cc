// What lies below stacks, by guard markers and by mprotect, and where both find their limit.
#include "colibri/core/stack_guard.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <system_error>

#include "colibri/core/sanitizer.h"
#include "colibri/core/stack.h"
#include "test/core/forced_guard.h"

namespace colibri {
namespace {

/// Writes to every usable byte.
void touch_all(PrivateStack& stack) {
  std::memset(stack.low, 0x5a, stack.usable_bytes());
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

TEST(StackGuardDeathTest, AWriteBelowTheStackFaultsWithEitherKind) {
  for (const GuardKind kind : {GuardKind::kMarkers, GuardKind::kMprotect}) {
    if (kind == GuardKind::kMarkers && !markers_work()) continue;
    const ForcedGuard forced(kind);
    EXPECT_DEATH(write_below(1), "");
    EXPECT_DEATH(write_below(4 * 4'096), "");
  }
}

TEST(StackGuardDeathTest, TheEnvironmentChoosesTheKind) {
  // In a new process: it is asked once.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto kind_with = [](const char* wish) {
    setenv("COLIBRI_STACK_GUARD", wish, 1);
    _exit(preferred_guard_kind() == GuardKind::kMprotect ? 1 : 0);
  };
  EXPECT_EXIT(kind_with("mprotect"), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(kind_with("markers"), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(kind_with("nonsense"), testing::ExitedWithCode(0), "");
}

/// Trims a stack and writes below it, taken anew.
void write_below_after_trimming() {
  StackPool pool;
  PrivateStack* first = pool.acquire(kDefaultStackBytes);
  PrivateStack* second = pool.acquire(kDefaultStackBytes);
  pool.release(first);
  pool.release(second);
  pool.trim_now();
  first = pool.acquire(kDefaultStackBytes);
  touch_all(*first);
  touch_all(*pool.acquire(kDefaultStackBytes));
  *reinterpret_cast<volatile std::byte*>(first->low - 1) = std::byte{1};
}

TEST(StackGuardDeathTest, TrimmingKeepsGuards) {
  EXPECT_DEATH(write_below_after_trimming(), "");
  const ForcedGuard forced(GuardKind::kMprotect);
  EXPECT_DEATH(write_below_after_trimming(), "");
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
    for (int round = 0; round < 2; ++round) {
      PrivateStack* first = pool.acquire(kDefaultStackBytes);
      PrivateStack* second = pool.acquire(kDefaultStackBytes);
      touch_all(*first);
      touch_all(*second);
      pool.release(first);
      pool.release(second);
      pool.trim_now();
    }
    if (pool.made() != 4 || pool.has_free()) _exit(3);
  };
  const auto ended_well = [](int status) {
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || was_not_allowed(status);
  };
  EXPECT_EXIT(exit_after(use_stacks), ended_well, "");
}

TEST(StackGuardDeathTest, WhoInsistsOnMarkersInLockedMemoryIsToldSo) {
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "their shadow cannot be locked";
  const auto insist = [] {
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) _exit(0);
    force_guard_kind(GuardKind::kMarkers);
    try {
      StackPool pool;
      pool.acquire(kDefaultStackBytes);
    } catch (const std::system_error& error) {
      _exit(std::strstr(error.what(), "COLIBRI_STACK_GUARD") != nullptr ? 0 : 4);
    }
    _exit(3);
  };
  EXPECT_EXIT(insist(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace colibri
