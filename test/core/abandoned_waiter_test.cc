// Who was abandoned while it waited, or did not come along through a fork, is handed nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "colibri/core/channel.h"
#include "colibri/core/condition_variable.h"
#include "colibri/core/event.h"
#include "colibri/core/mutex.h"
#include "colibri/core/select.h"
#include "colibri/core/semaphore.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/captured_stderr.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;
using test::stderr_of;

/// Has a coroutine begin to wait by `wait`, and abandons it before cancellation can reach it.
template <class Wait>
void abandon_one_who_waits(Wait wait) {
  const std::string text = stderr_of([&] {
    test::run_and_abandon(
        1,
        [&] {
          go(wait);
          yield();
        },
        std::chrono::nanoseconds(0));
  });
  EXPECT_THAT(text, testing::HasSubstr("it is abandoned"));
}

TEST(AbandonedWaiter, GetsNoValueOfAChannel) {
  const Channel<int> channel;
  abandon_one_who_waits([&] { channel.receive(); });
  EXPECT_FALSE(channel.try_send(1));
}

TEST(AbandonedWaiter, SendsNoMore) {
  const Channel<int> channel;
  abandon_one_who_waits([&] { channel.send(1); });
  EXPECT_EQ(channel.try_receive(), std::nullopt);
}

TEST(AbandonedWaiter, IsServedAfterNobody) {
  const Channel<int> channel;
  abandon_one_who_waits([&] { channel.receive(); });
  run_in_scheduler([&] {
    auto receiver = spawn([&] { return channel.receive(); });
    yield();
    channel.send(7);
    EXPECT_EQ(receiver.join(), 7);
  });
}

TEST(AbandonedWaiter, LeavesAllChannelsOfASelect) {
  const Channel<int> first;
  const Channel<int> second;
  abandon_one_who_waits([&] { select(on_receive(first, [](int) {}), on_send(second, 1, [] {})); });
  EXPECT_FALSE(first.try_send(1));
  EXPECT_EQ(second.try_receive(), std::nullopt);
}

TEST(AbandonedWaiter, GetsNoLock) {
  TimedMutex mutex;
  mutex.lock();
  abandon_one_who_waits([&] { mutex.lock(); });
  mutex.unlock();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

TEST(AbandonedWaiter, GetsNoPermit) {
  Semaphore semaphore(0);
  abandon_one_who_waits([&] { semaphore.acquire(); });
  semaphore.release();
  EXPECT_TRUE(semaphore.try_acquire());
}

TEST(AbandonedWaiter, GetsNoNotice) {
  Mutex mutex;
  {
    ConditionVariable changed;
    abandon_one_who_waits([&] {
      std::unique_lock lock(mutex);
      changed.wait(lock);
    });
    changed.notify_one();
  }  // which would end the process if somebody were waiting
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

TEST(AbandonedWaiter, LeavesWhatCancellationDoesNotReach) {
  Event event;
  abandon_one_who_waits([&] { event.wait_regardless(); });
  event.set();
}

TEST(AbandonedWaiter, OfTheParentIsServedNothingInAChild) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  run_in_scheduler([] {
    const Channel<int> channel;
    const Channel<int> other;
    auto receiver = spawn([&] { return channel.receive(); });
    auto chooser = spawn([&] {
      int chosen = 0;
      select(on_receive(other, [&](int value) { chosen = value; }));
      return chosen;
    });
    yield();
    test::flush_before_fork();
    const pid_t child = fork();
    if (child == 0) _exit(channel.try_send(1) || other.try_send(2) ? 1 : 0);
    EXPECT_EQ(test::exit_status_of(child), 0);
    channel.send(3);
    other.send(4);
    EXPECT_EQ(receiver.join(), 3);
    EXPECT_EQ(chooser.join(), 4);
  });
}

}  // namespace
}  // namespace colibri
