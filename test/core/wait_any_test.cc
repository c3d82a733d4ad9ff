// Waiting for several descriptors at once, as poll does.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "colibri/core/descriptor_wait.h"
#include "colibri/core/libc.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::DescriptorPair;
using test::run_in_scheduler;

pollfd interest(int descriptor, short events) {
  return {descriptor, events, 0};
}

WaitLimits at_most(milliseconds duration) {
  return {.deadline = Deadline::after(duration)};
}

TEST(WaitAny, WakesWhenAnyIsReadable) {
  run_in_scheduler([] {
    const DescriptorPair first = DescriptorPair::pipe();
    const DescriptorPair second = DescriptorPair::pipe();
    for (const DescriptorPair* ready : {&first, &second}) {
      auto waiter = spawn([&] {
        const std::array interests = {interest(first.reader(), POLLIN),
                                      interest(second.reader(), POLLIN)};
        return wait_any(interests, {});
      });
      sleep_for(milliseconds(1));
      EXPECT_FALSE(waiter.done());
      ready->put('x');
      EXPECT_EQ(waiter.join(), WakeReason::kFired);
      EXPECT_EQ(ready->take(), 'x');
    }
  });
}

TEST(WaitAny, WatchesBothDirectionsOfOneDescriptor) {
  run_in_scheduler([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    sockets.fill();
    const auto wait = [&] {
      const std::array interests = {interest(sockets.writer(), POLLIN | POLLOUT)};
      return wait_any(interests, {});
    };
    auto for_bytes = spawn(wait);
    sleep_for(milliseconds(1));
    EXPECT_FALSE(for_bytes.done());
    ASSERT_EQ(real::write(sockets.reader(), "r", 1), 1);
    EXPECT_EQ(for_bytes.join(), WakeReason::kFired);
    auto for_room = spawn(wait);
    sleep_for(milliseconds(1));
    sockets.drain();
    EXPECT_EQ(for_room.join(), WakeReason::kFired);
  });
}

TEST(WaitAny, OneThatAsksForNothingLearnsOfTheHangUp) {
  run_in_scheduler([] {
    DescriptorPair first = DescriptorPair::sockets();
    const DescriptorPair second = DescriptorPair::pipe();
    auto waiter = spawn([&] {
      const std::array interests = {interest(first.reader(), 0), interest(second.reader(), POLLIN)};
      return wait_any(interests, {});
    });
    sleep_for(milliseconds(1));
    EXPECT_FALSE(waiter.done());
    first.close_writer();
    EXPECT_EQ(waiter.join(), WakeReason::kFired);
  });
}

TEST(WaitAny, PassesOverNegativeAndClosedOnes) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    auto waiter = spawn([&] {
      const std::array interests = {interest(-1, POLLIN), interest(19'000, POLLIN),
                                    interest(pipe.reader(), POLLIN)};
      return wait_any(interests, {});
    });
    sleep_for(milliseconds(1));
    EXPECT_FALSE(waiter.done());
    pipe.put('x');
    EXPECT_EQ(waiter.join(), WakeReason::kFired);
  });
}

TEST(WaitAny, OfNothingIsATimer) {
  run_in_scheduler([] {
    const std::int64_t start = monotonic_now();
    EXPECT_EQ(wait_any({}, at_most(milliseconds(2))), WakeReason::kTimeout);
    const std::array negative = {interest(-1, POLLIN)};
    EXPECT_EQ(wait_any(negative, at_most(milliseconds(2))), WakeReason::kTimeout);
    EXPECT_GE(monotonic_now() - start, 4'000'000);
  });
}

TEST(WaitAny, EndsAtItsDeadlineAndLeavesNoNodesBehind) {
  run_in_scheduler([] {
    const DescriptorPair first = DescriptorPair::pipe();
    const DescriptorPair second = DescriptorPair::pipe();
    const std::array interests = {interest(first.reader(), POLLIN),
                                  interest(second.reader(), POLLIN)};
    EXPECT_EQ(wait_any(interests, at_most(milliseconds(1))), WakeReason::kTimeout);
    for (const DescriptorPair* pair : {&first, &second}) {
      const DescriptorState* state = thread_state.event_loop->find(pair->reader());
      ASSERT_NE(state, nullptr);
      EXPECT_TRUE(state->readers.empty());
      EXPECT_TRUE(state->writers.empty());
    }
    first.put('x');
    sleep_for(milliseconds(1));
  });
}

TEST(WaitAny, AManyTimesNamedDescriptorWakesOnce) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    auto waiter = spawn([&] {
      const std::vector<pollfd> interests(10, interest(pipe.reader(), POLLIN));
      return wait_any(interests, {});
    });
    sleep_for(milliseconds(1));
    pipe.put('x');
    EXPECT_EQ(waiter.join(), WakeReason::kFired);
  });
}

TEST(WaitAny, OfASingleOneAnswersAsWaitReady) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    const std::array interests = {interest(pipe.reader(), POLLIN)};
    EXPECT_EQ(wait_any(interests, at_most(milliseconds(1))), WakeReason::kTimeout);
    auto waiter = spawn([&] { return wait_any(interests, {}); });
    sleep_for(milliseconds(1));
    pipe.put('x');
    EXPECT_EQ(waiter.join(), WakeReason::kFired);
  });
}

TEST(WaitAny, EndsByCancel) {
  run_in_scheduler([] {
    const DescriptorPair first = DescriptorPair::pipe();
    const DescriptorPair second = DescriptorPair::pipe();
    auto waiter = spawn([&] {
      const std::array interests = {interest(first.reader(), POLLIN),
                                    interest(second.reader(), POLLIN)};
      return wait_any(interests, {});
    });
    yield();
    waiter.cancel();
    EXPECT_EQ(waiter.join(), WakeReason::kCanceled);
  });
}

}  // namespace
}  // namespace colibri
