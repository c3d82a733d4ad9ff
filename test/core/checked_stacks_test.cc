// The check mode of shared stacks: who breaks their law is stopped, and named with the other side;
// who keeps it notices nothing.
#include "colibri/core/checked_stacks.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "colibri/core/backtrace.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/libc.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

class CheckedStacksTest : public testing::Test {
 protected:
  CheckedStacksTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    check_shared_stacks(true);
  }
  ~CheckedStacksTest() override { check_shared_stacks(false); }
};
using CheckedStacksDeathTest = CheckedStacksTest;

/// A number, of which compilers know nothing.
template <class Value>
std::uintptr_t address_of(Value& value) {
  std::uintptr_t address;
  asm("" : "=r"(address) : "0"(&value));
  return address;
}

TEST_F(CheckedStacksTest, EachCoroutineHasAddressesOfItsOwn) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    const auto work = [] {
      volatile int mine = 1;
      for (int i = 0; i < 10; ++i) {
        yield();
        mine = mine + 1;
      }
      EXPECT_EQ(mine, 11);
      return address_of(mine);
    };
    Task<std::uintptr_t> one = spawn({.shared_stacks = &group}, work);
    Task<std::uintptr_t> other = spawn({.shared_stacks = &group}, work);
    const std::uintptr_t first = one.join();
    EXPECT_NE(first, other.join());
    EXPECT_TRUE(shared_stack_copies().empty());
  });
}

TEST_F(CheckedStacksTest, ResumeYieldAndTransferWithoutAScheduler) {
  const SharedStackGroup group(1);
  int sum = 0;
  const SpawnOptions shared{.shared_stacks = &group};
  const auto count = [&sum] {
    for (int i = 0; i < 3; ++i) {
      sum += 1;
      Coroutine::yield();
    }
  };
  Coroutine inner(count, shared);
  const auto drive = [&] {
    for (int i = 0; i < 3; ++i) {
      inner.resume();
      Coroutine::yield();
      sum += 10;
    }
  };
  Coroutine outer(drive, shared);
  for (int i = 0; i < 4; ++i) outer.resume();
  EXPECT_TRUE(outer.done());
  EXPECT_EQ(sum, 33);
}

TEST_F(CheckedStacksTest, ExceptionsAndErrnoAreKept) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    const auto work = [](int number) {
      try {
        throw number;
      } catch (int caught) {
        errno = number;
        yield();
        EXPECT_EQ(errno, number);
        EXPECT_EQ(caught, number);
        try {
          throw;
        } catch (int again) {
          EXPECT_EQ(again, number);
        }
      }
    };
    std::vector<Task<void>> tasks;
    for (int i = 1; i < 5; ++i) tasks.push_back(spawn({.shared_stacks = &group}, work, i));
    for (Task<void>& task : tasks) task.join();
  });
}

TEST_F(CheckedStacksTest, BacktracesOfParkedOnesAreWalked) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    auto here = std::make_shared<ControlBlock*>(nullptr);
    Task<void> sleeper = spawn({.shared_stacks = &group}, [here] {
      *here = thread_state.current;
      sleep_for(std::chrono::hours(1));
    });
    yield();
    EXPECT_NE(to_string(capture_backtrace(**here)).find("sleep"), std::string::npos);
    sleeper.cancel();
  });
}

TEST_F(CheckedStacksTest, RangesAreUsedAgainAndSmallOnesSuffice) {
  run_in_scheduler([] {
    const SharedStackGroup group(2, smallest_stack_bytes());
    for (int round = 0; round < 50; ++round) {
      std::vector<Task<void>> tasks;
      for (int i = 0; i < 20; ++i)
        tasks.push_back(spawn({.shared_stacks = &group}, [] { yield(); }));
    }
  });
}

TEST_F(CheckedStacksTest, AThousandAtOnce) {
  run_in_scheduler([] {
    const SharedStackGroup group(3);
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 1000; ++i) {
      tasks.push_back(spawn({.shared_stacks = &group}, [i] {
        for (int turn = 0; turn < 3; ++turn) yield();
        return i;
      }));
    }
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].join(), i);
  });
}

[[gnu::noinline]] void touch(std::uintptr_t address) {
  *reinterpret_cast<volatile int*>(address) = 1;
}

/// A coroutine 'owner' tells where a variable of its own lies, and parks; `misuse` gets the address
/// in a coroutine 'stranger'.
void with_foreign_address(const std::function<void(std::uintptr_t)>& misuse) {
  check_shared_stacks(true);
  run([&misuse] {
    const SharedStackGroup group(1);
    auto address = std::make_shared<std::uintptr_t>(0);
    go({.name = "owner", .shared_stacks = &group}, [address] {
      volatile int mine = 0;
      *address = address_of(mine);
      sleep_for(std::chrono::hours(1));
    });
    yield();
    go({.name = "stranger", .shared_stacks = &group},
       [address, misuse = misuse] { misuse(*address); });
    yield();
  });
}

TEST_F(CheckedStacksDeathTest, ATouchNamesBothCoroutines) {
  EXPECT_EXIT(with_foreign_address(&touch), testing::KilledBySignal(SIGSEGV),
              "coroutine [0-9]+ 'stranger' spawned at .*checked_stacks_test.cc:[0-9]+ touched "
              "0x[0-9a-f]+, which lies on the stack of coroutine [0-9]+ 'owner' spawned at "
              ".*checked_stacks_test.cc:[0-9]+. That one is parked(.|\n)*touch");
}

TEST_F(CheckedStacksDeathTest, APointerGivenToTheSystemNamesBoth) {
  const auto write_it = [](std::uintptr_t address) {
    int ends[2];
    real::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    real::write(ends[0], reinterpret_cast<const void*>(address), 4);
  };
  EXPECT_EXIT(with_foreign_address(write_it), testing::KilledBySignal(SIGABRT),
              "'stranger' spawned at .* gave a system call 0x[0-9a-f]+, which lies on the stack of "
              "coroutine [0-9]+ 'owner'");
}

TEST_F(CheckedStacksDeathTest, SoDoPointersInVectorsAndMessages) {
  const auto send_it = [](std::uintptr_t address) {
    int ends[2];
    real::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    iovec parts[2] = {{ends, sizeof ends}, {reinterpret_cast<void*>(address), 4}};
    msghdr message{};
    message.msg_iov = parts + 1;
    message.msg_iovlen = 1;
    real::sendmsg(ends[0], &message, 0);
  };
  EXPECT_EXIT(with_foreign_address(send_it), testing::KilledBySignal(SIGABRT),
              "'stranger' .* gave a system call .* 'owner'");
  const auto write_them = [](std::uintptr_t address) {
    int ends[2];
    real::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    iovec part{reinterpret_cast<void*>(address), 4};
    real::writev(ends[0], &part, 1);
  };
  EXPECT_EXIT(with_foreign_address(write_them), testing::KilledBySignal(SIGABRT),
              "'stranger' .* gave a system call .* 'owner'");
}

TEST_F(CheckedStacksDeathTest, OtherThreadsAreSaidToBeOutsideCoroutines) {
  const auto from_a_thread = [](std::uintptr_t address) { std::thread(&touch, address).join(); };
  EXPECT_EXIT(with_foreign_address(from_a_thread), testing::KilledBySignal(SIGSEGV),
              "code outside coroutines touched .* on the stack of coroutine [0-9]+ 'owner'");
}

TEST_F(CheckedStacksDeathTest, TheOneWhoResumesIsOutOfReachToo) {
  const auto resume_a_reader = [] {
    check_shared_stacks(true);
    const SharedStackGroup group(1);
    const auto lend = [&group] {
      volatile int mine = 1;
      Coroutine inner([address = address_of(mine)] { touch(address); },
                      SpawnOptions{.name = "inner", .shared_stacks = &group});
      inner.resume();
    };
    Coroutine outer(lend, SpawnOptions{.name = "outer", .shared_stacks = &group});
    outer.resume();
  };
  EXPECT_EXIT(resume_a_reader(), testing::KilledBySignal(SIGSEGV),
              "'inner' spawned at .* touched .* on the stack of coroutine [0-9]+ 'outer'");
}

TEST_F(CheckedStacksDeathTest, AnOverflowIsStillAnOverflow) {
  struct Recursion {
    [[gnu::noinline]] static int descend(int depth) {
      volatile char bytes[512];
      bytes[0] = static_cast<char>(depth);
      return depth == 0 ? bytes[0] : descend(depth - 1) + bytes[0];
    }
  };
  const auto overflow = [] {
    check_shared_stacks(true);
    run([] {
      const SharedStackGroup group(1, 128 * 1024);
      spawn({.name = "deep", .shared_stacks = &group}, [] {
        return Recursion::descend(100'000);
      }).join();
    });
  };
  EXPECT_EXIT(overflow(), testing::KilledBySignal(SIGSEGV), "'deep' .* overflowed its 128 KiB");
}

TEST_F(CheckedStacksTest, GroupsThatLiveKeepTheirMode) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    check_shared_stacks(false);
    const SharedStackGroup later(1);
    EXPECT_TRUE(thread_shared_stacks().checking());
    spawn({.shared_stacks = &later}, [] { yield(); }).join();
  });
}

}  // namespace
}  // namespace colibri
