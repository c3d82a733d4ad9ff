// A scheduler driven by a loop that is not colibri's; here, poll on its descriptor.
#include "colibri/core/driven_scheduler.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/descriptor_wait.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/scheduler_handle.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/child_process.h"
#include "test/support/descriptors.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::DescriptorPair;

constexpr int kAtOnce = 0;
constexpr int kLongMilliseconds = 20'000;

bool is_readable(DrivenScheduler& scheduler, int timeout_milliseconds) {
  pollfd entry{.fd = scheduler.descriptor(), .events = POLLIN, .revents = 0};
  return poll(&entry, 1, timeout_milliseconds) == 1;
}

/// What a foreign loop does, until `done`; false if the descriptor stays silent although it is not.
template <class Done>
bool drive_until(DrivenScheduler& scheduler, Done done) {
  while (!done()) {
    if (!is_readable(scheduler, kLongMilliseconds)) return false;
    scheduler.poll_once();
  }
  return true;
}

TEST(DrivenScheduler, IsSilentWithNothingToDo) {
  DrivenScheduler scheduler;
  EXPECT_FALSE(is_readable(scheduler, kAtOnce));
  scheduler.poll_once();
  EXPECT_FALSE(is_readable(scheduler, kAtOnce));
}

TEST(DrivenScheduler, RunsInPollOnceWhatWasStartedBefore) {
  DrivenScheduler scheduler;
  bool ran = false;
  go([&ran] { ran = true; });
  EXPECT_FALSE(ran);
  scheduler.poll_once();
  EXPECT_TRUE(ran);
  EXPECT_EQ(scheduler.alive(), 0U);
}

TEST(DrivenScheduler, ATimerMakesTheDescriptorReadable) {
  DrivenScheduler scheduler;
  bool awake = false;
  const auto start = std::chrono::steady_clock::now();
  go([&awake] {
    sleep_for(milliseconds(30));
    awake = true;
  });
  scheduler.poll_once();
  EXPECT_FALSE(awake);
  ASSERT_TRUE(drive_until(scheduler, [&] { return awake; }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
  EXPECT_FALSE(is_readable(scheduler, kAtOnce)) << "an alarm that went off must not stay on";
}

TEST(DrivenScheduler, ALaterTimerDoesNotHideAnEarlierOne) {
  DrivenScheduler scheduler;
  std::vector<int> order;
  go([&order] {
    sleep_for(milliseconds(40));
    order.push_back(40);
  });
  scheduler.poll_once();
  go([&order] {
    sleep_for(milliseconds(10));
    order.push_back(10);
  });
  scheduler.poll_once();
  ASSERT_TRUE(drive_until(scheduler, [&] { return order.size() == 2; }));
  EXPECT_EQ(order, (std::vector<int>{10, 40}));
}

TEST(DrivenScheduler, AnEventMakesTheDescriptorReadable) {
  DrivenScheduler scheduler;
  const DescriptorPair pipe = DescriptorPair::pipe();
  int byte = -1;
  go([&] {
    while ((byte = pipe.take()) < 0) wait_ready(pipe.reader(), Direction::kRead, {});
  });
  scheduler.poll_once();
  EXPECT_FALSE(is_readable(scheduler, kAtOnce));
  pipe.put('x');
  ASSERT_TRUE(is_readable(scheduler, kLongMilliseconds));
  scheduler.poll_once();
  EXPECT_EQ(byte, 'x');
}

TEST(DrivenScheduler, MessagesOfOtherThreadsMakeTheDescriptorReadable) {
  DrivenScheduler scheduler;
  const SchedulerHandle handle = SchedulerHandle::current();
  const Channel<int> numbers;
  int sum = 0;
  go([&sum, numbers] {
    for (const int number : numbers) sum += number;
  });
  scheduler.poll_once();
  bool posted = false;
  std::thread other([&, numbers] {
    for (int i = 1; i <= 100; ++i) numbers.send(i);
    post(handle, [&posted, numbers] {
      posted = true;
      numbers.close();
    });
  });
  EXPECT_TRUE(drive_until(scheduler, [&] { return scheduler.alive() == 0 && posted; }));
  other.join();
  EXPECT_EQ(sum, 5050);
}

TEST(DrivenScheduler, AMessageBeforeTheFirstPollCounts) {
  DrivenScheduler scheduler;
  bool posted = false;
  std::thread([handle = SchedulerHandle::current(), &posted] {
    post(handle, [&posted] { posted = true; });
  }).join();
  EXPECT_TRUE(drive_until(scheduler, [&] { return posted; }));
}

TEST(DrivenScheduler, APollEndsAlthoughSomebodyIsAlwaysReady) {
  DrivenScheduler scheduler;
  bool stop = false;
  go([&stop] {
    while (!stop) yield();
  });
  for (int i = 0; i < 3; ++i) {
    scheduler.poll_once();
    EXPECT_TRUE(is_readable(scheduler, kAtOnce)) << "somebody is ready";
  }
  stop = true;
  EXPECT_TRUE(drive_until(scheduler, [&] { return scheduler.alive() == 0; }));
}

TEST(DrivenScheduler, ItsEndCancelsEverybody) {
  bool canceled = false;
  {
    DrivenScheduler scheduler;
    go([&canceled] {
      try {
        sleep_for(hours(1));
      } catch (const Canceled&) {
        canceled = true;
        throw;
      }
    });
    scheduler.poll_once();
    EXPECT_EQ(scheduler.alive(), 1U);
  }
  EXPECT_TRUE(canceled);
}

TEST(DrivenScheduler, AThreadMayDriveAnotherAndRunAfterwards) {
  for (int i = 0; i < 3; ++i) {
    DrivenScheduler scheduler;
    bool ran = false;
    go([&ran] { ran = true; });
    scheduler.poll_once();
    EXPECT_TRUE(ran);
  }
  EXPECT_EQ(run([] { return 5; }), 5);
}

TEST(DrivenScheduler, InTheChildOfAForkItHasADescriptorOfItsOwn) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  DrivenScheduler scheduler;
  pid_t child = -1;
  bool awake = false;
  go([&] {
    test::flush_before_fork();
    child = fork();
    if (child == 0) alarm(10);
    sleep_for(milliseconds(20));
    awake = true;
    // Goes on beyond the end, as the last coroutine of a child ends the child.
    if (child == 0) sleep_for(milliseconds(1));
  });
  scheduler.poll_once();
  const bool driven = drive_until(scheduler, [&] { return awake; });
  if (child == 0) _exit(driven ? 7 : 8);
  EXPECT_TRUE(driven);
  EXPECT_EQ(test::exit_status_of(child), 7);
}

TEST(DrivenSchedulerDeathTest, NamesItsMisuse) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  EXPECT_DEATH(
      {
        DrivenScheduler scheduler;
        go([&scheduler] { scheduler.poll_once(); });
        scheduler.poll_once();
      },
      "poll_once called inside a coroutine");
  EXPECT_DEATH(run([] { DrivenScheduler scheduler; }), "a second scheduler on one thread");
}

}  // namespace
}  // namespace colibri
