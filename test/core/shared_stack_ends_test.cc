// Shared stacks at the edges: who ends where others were, forks there, or has unusual frames.
#include <alloca.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/event.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

/// Fills 700 bytes of its frame, calls `pause`, and counts the bytes that are different afterwards.
template <class Pause>
[[gnu::noinline]] int spoilt_over(unsigned char mark, Pause pause) {
  volatile unsigned char bytes[700];
  for (volatile unsigned char& byte : bytes) byte = mark;
  pause();
  int spoilt = 0;
  for (volatile unsigned char& byte : bytes) spoilt += byte != mark;
  return spoilt;
}

// A rival compares who comes with who was there last. That one has ended, its memory is another's
// by now, and the restore is skipped.
TEST(SharedStackEnds, OneThatEndedIsForgottenEvenIfItsMemoryIsAnothers) {
  const test::LeakCheck leaks;
  const SharedStackGroup group(1);
  const SpawnOptions options{.shared_stacks = &group};
  const ControlBlock* block_of_first = nullptr;
  int spoilt = -1;
  Coroutine waiter([&] { spoilt = spoilt_over(1, [] { Coroutine::yield(); }); }, options);
  waiter.resume();
  {
    Coroutine first([&] { block_of_first = thread_state.current; }, options);
    first.resume();
    EXPECT_TRUE(first.done());
  }
  int spoilt_again = -1;
  const ControlBlock* block_of_second = nullptr;
  Coroutine second(
      [&] {
        block_of_second = thread_state.current;
        spoilt_again = spoilt_over(2, [] { Coroutine::yield(); });
      },
      options);
  second.resume();
  EXPECT_EQ(block_of_first, block_of_second) << "else this test says little";
  waiter.resume();
  EXPECT_EQ(spoilt, 0);
  second.resume();
  EXPECT_EQ(spoilt_again, 0);
}

TEST(SharedStackEnds, OneThatIsDestroyedWhereItStandsLeavesTheStackToWhoWaits) {
  const test::LeakCheck leaks;
  const SharedStackGroup group(1);
  const SpawnOptions options{.shared_stacks = &group};
  int spoilt = -1;
  Coroutine waiter([&] { spoilt = spoilt_over(1, [] { Coroutine::yield(); }); }, options);
  for (const bool occupies : {true, false}) {
    auto destroyed =
        std::make_unique<Coroutine>([] { spoilt_over(3, [] { Coroutine::yield(); }); }, options);
    if (occupies) {
      waiter.resume();
      destroyed->resume();
    } else {
      destroyed->resume();
      Coroutine([] {}, options).resume();
    }
    destroyed.reset();
  }
  Coroutine never_began([] {}, options);
  never_began.close();
  waiter.resume();
  EXPECT_EQ(spoilt, 0);
}

TEST(SharedStackEnds, OneThatThrowsEndsForItsJoinerOnTheSameStack) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    auto joiner = spawn({.shared_stacks = &group}, [group] {
      return spoilt_over(4, [group] {
        auto thrower = spawn({.shared_stacks = &group}, [] {
          spoilt_over(5, [] { yield(); });
          throw std::runtime_error("out of a shared stack");
        });
        try {
          thrower.join();
          ADD_FAILURE() << "nothing was thrown";
        } catch (const std::runtime_error& error) {
          EXPECT_STREQ(error.what(), "out of a shared stack");
        }
      });
    });
    EXPECT_EQ(joiner.join(), 0);
  });
}

/// Notes in which order frames unwind, and whether what they hold is whole.
struct Unwound {
  explicit Unwound(int frame_number) : number(frame_number), text(40, 'x') {}
  ~Unwound() {
    EXPECT_EQ(text, std::string(40, 'x'));
    order->push_back(number);
  }
  Unwound(const Unwound&) = delete;
  Unwound& operator=(const Unwound&) = delete;

  static std::vector<int>* order;
  int number;
  std::string text;
};
std::vector<int>* Unwound::order = nullptr;

[[gnu::noinline]] void descend(int depth) {
  const Unwound frame(depth);
  auto* room = static_cast<volatile char*>(alloca(static_cast<std::size_t>(depth) * 100 + 1));
  room[0] = 'a';
  if (depth == 0) {
    yield();
    throw depth;
  }
  descend(depth - 1);
  EXPECT_EQ(room[0], 'a');
}

TEST(SharedStackEnds, AnExceptionUnwindsFramesThatWereCopiedOutAndIn) {
  run_in_scheduler([] {
    std::vector<int> order;
    Unwound::order = &order;
    const SharedStackGroup group(1);
    auto thrower = spawn({.shared_stacks = &group}, [] { descend(10); });
    auto other = spawn({.shared_stacks = &group}, [] { spoilt_over(6, [] { yield(); }); });
    EXPECT_THROW(thrower.join(), int);
    other.join();
    std::vector<int> expected(11);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(order, expected);
  });
}

template <std::size_t alignment>
[[gnu::noinline]] bool keeps_aligned_frame() {
  struct alignas(alignment) Aligned {
    unsigned char bytes[alignment];
  };
  volatile Aligned aligned{};
  volatile Aligned* volatile own = &aligned;  // points into its own frame
  aligned.bytes[alignment - 1] = 7;
  auto* room = static_cast<volatile char*>(alloca(own->bytes[alignment - 1] * std::size_t{33}));
  room[7 * 33 - 1] = 'z';
  yield();
  return reinterpret_cast<std::uintptr_t>(&aligned) % alignment == 0 && own == &aligned &&
         own->bytes[alignment - 1] == 7 && room[7 * 33 - 1] == 'z';
}

TEST(SharedStackEnds, OverAlignedFramesWithAllocaComeBackAsTheyWere) {
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    std::vector<Task<bool>> tasks;
    const auto add = [&](bool (*keeps)()) {
      for (int i = 0; i < 2; ++i) tasks.push_back(spawn({.shared_stacks = &group}, keeps));
    };
    add(&keeps_aligned_frame<32>);
    add(&keeps_aligned_frame<64>);
    add(&keeps_aligned_frame<256>);
    add(&keeps_aligned_frame<4096>);
    for (Task<bool>& task : tasks) EXPECT_TRUE(task.join());
  });
}

// In the child, the others' bytes are there and never run; their stack serves new ones.
TEST(SharedStackEnds, AForkGoesOnOnTheSharedStackItWasCalledOn) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  run_in_scheduler([] {
    const SharedStackGroup group(1);
    const Event end;
    const auto wait = [end] { return spoilt_over(8, [end] { end.wait(); }); };
    auto before = spawn({.shared_stacks = &group}, wait);
    auto forker = spawn({.shared_stacks = &group}, [group] {
      int status = -1;
      const int spoilt = spoilt_over(9, [group, status = &status] {
        test::flush_before_fork();
        const pid_t process = fork();
        if (process == 0) {
          alarm(10);
          auto child =
              spawn({.shared_stacks = &group}, [] { return spoilt_over(10, [] { yield(); }); });
          _exit(spoilt_over(11, [&] { EXPECT_EQ(child.join(), 0); }) == 0 ? 42 : 1);
        }
        *status = test::exit_status_of(process);
      });
      EXPECT_EQ(status, 42);
      return spoilt;
    });
    auto after = spawn({.shared_stacks = &group}, wait);
    EXPECT_EQ(forker.join(), 0);
    end.set();
    EXPECT_EQ(before.join(), 0);
    EXPECT_EQ(after.join(), 0);
  });
}

}  // namespace
}  // namespace colibri
