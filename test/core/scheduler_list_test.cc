// The list of schedulers: who is in it, from the start of a scheduler to its end, and after a fork.
#include "colibri/core/scheduler_list.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <thread>

#include "colibri/core/channel.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/task.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::exit_status_of;
using test::run_in_scheduler;

std::size_t count_schedulers() {
  const SmallLockGuard guard(scheduler_list.lock);
  std::size_t count = 0;
  for (const SchedulerPlace* each = scheduler_list.first; each != nullptr; each = each->next) {
    ++count;
  }
  return count;
}

TEST(SchedulerListTest, KnowsASchedulerFromItsStartToItsEnd) {
  EXPECT_EQ(count_schedulers(), 0);
  run_in_scheduler([] {
    EXPECT_EQ(count_schedulers(), 1);
    const SchedulerPlace& place = *scheduler_list.first;
    EXPECT_EQ(place.thread, &thread_state);
    EXPECT_EQ(place.thread_id, gettid());
    EXPECT_EQ(*place.coroutines, &thread_state.scheduler->newest());
  });
  EXPECT_EQ(count_schedulers(), 0);
}

TEST(SchedulerListTest, WhoEndsInTheMiddleLeavesTheOthersIn) {
  const Scheduler* mine = nullptr;
  run_in_scheduler([&mine] {
    mine = thread_state.scheduler;
    const Channel<int> begun;
    const Channel<int> stop;
    std::thread first([begun, stop] {
      run([&] {
        begun.send(1);
        stop.receive();
      });
    });
    begun.receive();
    std::thread second([begun, stop] { run([&] { begun.send(2); }); });
    begun.receive();
    second.join();
    EXPECT_EQ(count_schedulers(), 2);
    stop.close();
    first.join();
    EXPECT_EQ(count_schedulers(), 1);
    EXPECT_EQ(scheduler_list.first->thread->scheduler, mine);
  });
}

/// In a child: 0 if the list is that of a process with `count` schedulers, of which this thread's
/// is the first.
int check_in_child(std::size_t count) {
  if (count_schedulers() != count) return 1;
  if (count == 0) return 0;
  const SchedulerPlace& place = *scheduler_list.first;
  return place.thread == &thread_state && place.thread_id == gettid() ? 0 : 2;
}

TEST(SchedulerListTest, KeepsTheForkersAloneInTheChild) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  const Channel<int> begun;
  const Channel<int> stop;
  std::thread other([begun, stop] {
    run([&] {
      begun.send(1);
      stop.receive();
    });
  });
  begun.receive();
  const pid_t without = fork();
  if (without == 0) _exit(check_in_child(0));
  EXPECT_EQ(exit_status_of(without), 0);
  run_in_scheduler([] {
    const pid_t with = fork();
    if (with == 0) _exit(check_in_child(1));
    EXPECT_EQ(exit_status_of(with), 0);
    EXPECT_EQ(count_schedulers(), 2);
  });
  stop.close();
  other.join();
}

}  // namespace
}  // namespace colibri
