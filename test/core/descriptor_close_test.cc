// Descriptors that are closed while somebody waits on them, and numbers that come round again.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "colibri/core/descriptor_wait.h"
#include "colibri/core/libc.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/closing_thread.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::DescriptorPair;
using test::run_in_scheduler;

WaitLimits at_most(milliseconds duration) {
  return {.deadline = Deadline::after(duration)};
}

TEST(DescriptorClose, WakesEverybodyWhoWaits) {
  run_in_scheduler([] {
    DescriptorPair sockets = DescriptorPair::sockets();
    sockets.fill();
    std::vector<Task<WakeReason>> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.push_back(spawn([&] { return wait_ready(sockets.writer(), Direction::kRead, {}); }));
      waiters.push_back(spawn([&] { return wait_ready(sockets.writer(), Direction::kWrite, {}); }));
    }
    waiters.push_back(spawn([&] {
      const std::array<pollfd, 2> interests = {{{sockets.writer(), POLLIN, 0}, {-1, 0, 0}}};
      return wait_any(interests, {});
    }));
    sleep_for(milliseconds(1));
    sockets.close_writer();
    for (Task<WakeReason>& waiter : waiters) EXPECT_EQ(waiter.join(), WakeReason::kClosed);
  });
}

TEST(DescriptorClose, ByAnotherThreadWakesTheWaiter) {
  run_in_scheduler([] {
    DescriptorPair pipe = DescriptorPair::pipe();
    std::atomic<bool> waiting{false};
    std::thread closer([&] {
      while (!waiting) std::this_thread::yield();
      std::this_thread::sleep_for(milliseconds(1));
      EventLoop::detach_everywhere(pipe.reader());
      pipe.close_reader();
    });
    waiting = true;
    EXPECT_EQ(wait_ready(pipe.reader(), Direction::kRead, {}), WakeReason::kClosed);
    closer.join();
  });
}

TEST(DescriptorClose, ByAnotherThreadReachesTheLoopsOfAllThreads) {
  constexpr int kThreads = 3;
  DescriptorPair pipe = DescriptorPair::pipe();
  const int reader = pipe.reader();
  std::atomic<int> waiting{0};
  std::atomic<int> closed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      run([&] {
        ++waiting;
        if (wait_ready(reader, Direction::kRead, {}) == WakeReason::kClosed) ++closed;
      });
    });
  }
  while (waiting < kThreads) std::this_thread::yield();
  // A thread that only now begins its wait finds the descriptor closed.
  std::this_thread::sleep_for(milliseconds(5));
  EventLoop::detach_everywhere(reader);
  pipe.close_reader();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(closed, kThreads);
}

/// Waits on `descriptor` as a blocking call does, which tries again after each wake-up: until the
/// descriptor is found closed.
WakeReason wait_until_closed(int descriptor) {
  WakeReason reason = WakeReason::kFired;
  while (reason == WakeReason::kFired) reason = wait_ready(descriptor, Direction::kRead, {});
  return reason;
}

TEST(DescriptorClose, EndsAWaitThatBeganAfterItWasDetached) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    // While the pair lives, so does the kernel's registration of its copy.
    const int copy = real::dup(pipe.reader());
    std::atomic<bool> detached{false};
    std::atomic<bool> waiting{false};
    std::thread closer([&] {
      EventLoop::detach_everywhere(copy);
      detached = true;
      while (!waiting) std::this_thread::yield();
      real::close(copy);
      EventLoop::closed_everywhere(copy);
    });
    while (!detached) std::this_thread::yield();
    go([&] { waiting = true; });  // runs once the wait has begun
    EXPECT_EQ(wait_until_closed(copy), WakeReason::kClosed);
    closer.join();
  });
}

TEST(DescriptorClose, OfTheLastBearerOfANumberDoesNotEndWaitsOnTheNext) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    // The number is in use again before the thread that closed it has said so.
    go([&] {
      std::thread([&] { EventLoop::closed_everywhere(pipe.reader()); }).join();
      sleep_for(milliseconds(1));
      pipe.put('x');
    });
    int byte = -1;
    WakeReason reason = WakeReason::kFired;
    while (byte < 0 && reason == WakeReason::kFired) {
      reason = wait_ready(pipe.reader(), Direction::kRead, {});
      byte = pipe.take();
    }
    EXPECT_EQ(byte, 'x');
  });
}

TEST(DescriptorClose, LeavesErrnoAlone) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    errno = ENOTEMPTY;
    EventLoop::detach_everywhere(pipe.reader());
    EventLoop::detach_everywhere(-1);
    EventLoop::closed_everywhere(-1);
    EXPECT_EQ(errno, ENOTEMPTY);
  });
}

TEST(DescriptorClose, ANumberGivenOutAnewNeverGetsItsPredecessorsEvents) {
  run_in_scheduler([] {
    DescriptorPair old = DescriptorPair::pipe();
    const int number = old.reader();
    EXPECT_EQ(wait_ready(number, Direction::kRead, at_most(milliseconds(1))), WakeReason::kTimeout);
    // The description lives on in a copy, so the kernel alone would go on sending its events.
    const int copy = real::dup(number);
    EventLoop::detach_everywhere(number);
    const DescriptorPair fresh = DescriptorPair::pipe();
    ASSERT_EQ(real::dup2(fresh.reader(), number), number);
    auto waiter =
        spawn([&] { return wait_ready(number, Direction::kRead, at_most(milliseconds(5))); });
    yield();
    old.put('x');
    EXPECT_EQ(waiter.join(), WakeReason::kTimeout);
    fresh.put('y');
    EXPECT_EQ(wait_ready(number, Direction::kRead, at_most(milliseconds(1'000))),
              WakeReason::kFired);
    EventLoop::detach_everywhere(number);
    real::close(copy);
  });
}

TEST(DescriptorClose, ANumberThatComesRoundToItsOldDescriptionIsRegisteredAnew) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    const int number = pipe.reader();
    wait_ready(number, Direction::kRead, at_most(milliseconds(1)));
    const int copy = real::dup(number);
    // Closed before it was detached: the kernel keeps the registration because of the copy.
    real::close(number);
    EventLoop::detach_everywhere(number);
    ASSERT_EQ(real::dup2(copy, number), number);
    auto waiter = spawn([&] { return wait_ready(number, Direction::kRead, {}); });
    sleep_for(milliseconds(1));
    pipe.put('x');
    EXPECT_EQ(waiter.join(), WakeReason::kFired);
    EventLoop::detach_everywhere(number);
    real::close(copy);
  });
}

TEST(DescriptorClose, AWaitThatBeganBeforeAnotherThreadsCloseAlwaysEnds) {
  const std::size_t rounds = test::many_operations(500);
  run_in_scheduler([&] {
    test::ClosingThread closer;
    std::size_t closed = 0;
    for (std::size_t i = 0; i < rounds; ++i) {
      const DescriptorPair pipe = DescriptorPair::pipe();
      const int copy = real::dup(pipe.reader());
      if (i % 2 == 0) wait_ready(copy, Direction::kRead, at_most(milliseconds(0)));
      go([&] { closer.offer(copy); });  // runs once the wait has begun
      WakeReason reason;
      // The end of the last round's close may fire a wait for the same number.
      while ((reason = wait_ready(copy, Direction::kRead, {})) == WakeReason::kFired) {
      }
      if (reason == WakeReason::kClosed) ++closed;
      closer.await_taken();
    }
    EXPECT_EQ(closed, rounds);
  });
}

}  // namespace
}  // namespace colibri
