#include "colibri/core/inspect/coroutine_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "colibri/core/barrier.h"
#include "colibri/core/channel.h"
#include "colibri/core/condition_variable.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/event.h"
#include "colibri/core/future.h"
#include "colibri/core/helper_call.h"
#include "colibri/core/inspect/inspection.h"
#include "colibri/core/inspect/words.h"
#include "colibri/core/latch.h"
#include "colibri/core/mutex.h"
#include "colibri/core/once.h"
#include "colibri/core/select.h"
#include "colibri/core/semaphore.h"
#include "colibri/core/shared_mutex.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/wait_group.h"
#include "test/core/inspect/waiting_coroutine.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::info_while_waiting;
using test::run_in_scheduler;
using test::wait_of;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

std::string own_label() {
  return coroutine_label(thread_state.current->id, thread_state.current->name());
}

TEST(CoroutineInfo, KnowsWhoItIsAndWhereItWasSpawned) {
  run_in_scheduler([] {
    const std::uint32_t line = __LINE__ + 1;
    Task<void> task = spawn({.name = "by options"}, [] { sleep_for(std::chrono::hours(1)); });
    CoroutineInfo info = inspect(Scheduler::current("test").newest());
    EXPECT_EQ(info.name, "by options");
    EXPECT_EQ(info.site.line, line);
    EXPECT_THAT(info.site.file, HasSubstr("coroutine_info_test.cc"));
    EXPECT_EQ(info.state, CoroutineState::kReady);
    EXPECT_EQ(info.wait, "");
    EXPECT_FALSE(info.since.has_value());
    EXPECT_EQ(info.scheduler, Scheduler::current("test").number());
    EXPECT_THAT(to_string(info), MatchesRegex("#[0-9]+ 'by options' .*_test.cc:[0-9]+ ready"));
  });
}

TEST(CoroutineInfo, TheNameCanBeSetFromInsideAndByTheTask) {
  run_in_scheduler([] {
    Task<void> task = spawn([] {
      set_name("from " + std::string("inside"));
      sleep_for(std::chrono::hours(1));
    });
    const ControlBlock& block = Scheduler::current("test").newest();
    EXPECT_EQ(inspect(block).name, "");
    yield();
    EXPECT_EQ(inspect(block).name, "from inside");
    task.set_name("from outside");
    EXPECT_EQ(inspect(block).name, "from outside");
  });
}

TEST(CoroutineInfo, TheParentIsKnownWhereThatIsAskedFor) {
  run_in_scheduler([] {
    const auto parent_of_newest = [] {
      const Task<void> task = spawn([] {});
      return inspect(Scheduler::current("test").newest()).parent;
    };
    EXPECT_EQ(parent_of_newest(), 0U);
    note_parents(true);
    EXPECT_EQ(parent_of_newest(), thread_state.current->id);
    note_parents(false);
    EXPECT_EQ(parent_of_newest(), 0U);
  });
}

TEST(CoroutineInfo, ASleepSaysHowLongItLasts) {
  run_in_scheduler([] {
    const CoroutineInfo info = info_while_waiting([] { sleep_for(std::chrono::seconds(5000)); });
    EXPECT_EQ(info.state, CoroutineState::kParked);
    EXPECT_THAT(info.wait, MatchesRegex("sleep until \\+(5000|4[0-9]{3}) s"));
    ASSERT_TRUE(info.since.has_value());
    EXPECT_GT(info.stack_bytes_used, 0U);
    EXPECT_EQ(info.stack.back().function, "colibri_context_entry");
  });
}

TEST(CoroutineInfo, SinceGrowsWhileItWaits) {
  run_in_scheduler([] {
    Task<void> task = spawn([] { sleep_for(std::chrono::hours(1)); });
    const ControlBlock& block = Scheduler::current("test").newest();
    yield();
    sleep_for(std::chrono::milliseconds(40));
    // The note is as coarse as the kernel's tick and our own step together.
    EXPECT_GE(*inspect(block).since, std::chrono::milliseconds(25));
  });
}

TEST(CoroutineInfo, AMutexSaysWhoHoldsIt) {
  run_in_scheduler([] {
    Mutex mutex;
    mutex.lock();
    const std::string wait = [&] {
      Task<void> waiter = spawn({.name = "waiter"}, [&] { const std::lock_guard guard(mutex); });
      yield();
      const std::string words = inspect(Scheduler::current("test").newest()).wait;
      mutex.unlock();
      return words;
    }();
    EXPECT_EQ(wait, "mutex held by " + own_label());
  });
}

TEST(CoroutineInfo, AMutexKnowsThatAPlainThreadHoldsIt) {
  run_in_scheduler([] {
    Mutex mutex;
    std::atomic<bool> held{false};
    std::atomic<bool> enough{false};
    std::thread holder([&] {
      const std::lock_guard guard(mutex);
      held = true;
      while (!enough) std::this_thread::yield();
    });
    while (!held) std::this_thread::yield();
    Task<void> waiter = spawn([&] { const std::lock_guard guard(mutex); });
    yield();
    EXPECT_EQ(inspect(Scheduler::current("test").newest()).wait, "mutex held by a plain thread");
    enough = true;
    holder.join();
  });
}

TEST(CoroutineInfo, ASharedMutexSaysWhoKeepsItsWaitersOut) {
  run_in_scheduler([] {
    SharedMutex mutex;
    const auto wait_of_writer = [&] {
      Task<void> task = spawn([&] { mutex.try_lock_for(std::chrono::hours(1)); });
      yield();
      return inspect(Scheduler::current("test").newest()).wait;
    };
    mutex.lock();
    EXPECT_THAT(wait_of_writer(), StartsWith("shared mutex held by " + own_label() + ", until +"));
    mutex.unlock();
    mutex.lock_shared();
    EXPECT_THAT(wait_of_writer(), StartsWith("shared mutex, 1 sharing it, until +"));
    mutex.unlock_shared();
  });
}

TEST(CoroutineInfo, EachThingSaysWhatItIs) {
  run_in_scheduler([] {
    Mutex mutex;
    ConditionVariable condition;
    EXPECT_EQ(wait_of([&] {
                std::unique_lock lock(mutex);
                condition.wait(lock);
              }),
              "condition variable");
    Semaphore semaphore(0);
    EXPECT_EQ(wait_of([&] { semaphore.acquire(); }), "semaphore, 0 permits");
    EXPECT_EQ(wait_of([event = Event()] { event.wait(); }), "event");
    Latch latch(3);
    EXPECT_EQ(wait_of([&] { latch.wait(); }), "latch, 3 expected");
    Barrier barrier(2);
    EXPECT_EQ(wait_of([&] { barrier.arrive_and_wait(); }), "barrier, 1 missing");
    WaitGroup group;
    group.add(2);
    EXPECT_EQ(wait_of([group] { group.wait(); }), "wait group, 2 to be done");
    const Promise<int> promise;
    EXPECT_EQ(wait_of([future = promise.future()] { future.wait(); }), "future");
  });
}

TEST(CoroutineInfo, AOnceSaysWhoCallsItsFunction) {
  run_in_scheduler([] {
    Once once;
    Event done;
    Task<void> caller =
        spawn({.name = "caller"}, [&once, done] { once.call([&] { done.wait(); }); });
    yield();
    Task<void> waiter = spawn([&once] { once.call([] {}); });
    yield();
    EXPECT_THAT(inspect(Scheduler::current("test").newest()).wait,
                MatchesRegex("once held by #[0-9]+ 'caller'"));
    done.set();
  });
}

TEST(CoroutineInfo, AChannelSaysItsNameAndHowFullItIs) {
  run_in_scheduler([] {
    const Channel<int> jobs(16);
    jobs.set_name("jobs");
    EXPECT_EQ(wait_of([jobs] { jobs.receive(); }), "channel 'jobs' receive, 0/16");
    for (int i = 0; i < 16; ++i) jobs.send(i);
    EXPECT_EQ(wait_of([jobs] { jobs.send(17); }), "channel 'jobs' send, full 16/16");
    EXPECT_EQ(wait_of([unnamed = Channel<int>()] { unnamed.receive(); }), "channel receive");
  });
}

TEST(CoroutineInfo, ASelectSaysEachOfItsCases) {
  run_in_scheduler([] {
    const Channel<int> jobs(1);
    const Channel<int> stop;
    jobs.set_name("jobs");
    stop.set_name("stop");
    EXPECT_EQ(
        wait_of([jobs, stop] { select(on_receive(jobs, [](int) {}), on_send(stop, 1, [] {})); }),
        "select: channel 'jobs' receive, 0/1; channel 'stop' send");
    EXPECT_THAT(wait_of([jobs] {
                  select(on_receive(jobs, [](int) {}), on_timeout(std::chrono::hours(3), [] {}));
                }),
                StartsWith("channel 'jobs' receive, 0/1, until +"));
  });
}

TEST(CoroutineInfo, ATimeLimitThatEndsAWaitIsNamed) {
  run_in_scheduler([] {
    EXPECT_THAT(wait_of([event = Event()] {
                  const TimeLimit limit(std::chrono::hours(1));
                  event.wait();
                }),
                MatchesRegex("event, until \\+3[0-9]{3} s by a TimeLimit"));
  });
}

TEST(CoroutineInfo, AJoinSaysWhoseEndItAwaits) {
  run_in_scheduler([] {
    EXPECT_THAT(
        wait_of([] { spawn({.name = "joined"}, [] { sleep_for(std::chrono::hours(1)); }).join(); }),
        MatchesRegex("end of #[0-9]+ 'joined'"));
  });
}

/// A helper's call that ends when it is told.
struct LongCall final : HelperCall {
  void run() noexcept override {
    while (!enough) std::this_thread::yield();
  }
  void describe(std::span<char> text) const noexcept override {
    std::string_view("long_call example").copy(text.data(), text.size() - 1);
  }
  std::atomic<bool> enough{false};
};

TEST(CoroutineInfo, AHelpersCallSaysWhatItIs) {
  run_in_scheduler([] {
    const auto call = std::make_shared<LongCall>();
    Task<void> task = spawn([call] { run_on_helper(call, HelperSet::kGeneral, {}); });
    yield();
    EXPECT_EQ(inspect(Scheduler::current("test").newest()).wait,
              "call on a helper thread: long_call example");
    call->enough = true;
    task.join();
  });
}

TEST(CoroutineInfo, WhoResumesAnotherWaitsAsThatOneDoes) {
  run_in_scheduler([] {
    const CoroutineInfo info = info_while_waiting([] {
      Coroutine inner([] { Event().wait(); });
      inner.resume();
    });
    EXPECT_EQ(info.state, CoroutineState::kParked);
    EXPECT_EQ(info.wait, "event");
    std::size_t entries = 0;
    for (const StackFrame& frame : info.stack) entries += frame.function == "colibri_context_entry";
    EXPECT_EQ(entries, 2U) << to_string(info.stack);
  });
}

TEST(Words, DurationsHaveTheUnitThatSuitsThem) {
  using namespace std::chrono_literals;
  EXPECT_EQ(to_words(1'200us), "1.2 ms");
  EXPECT_EQ(to_words(350ms), "350 ms");
  EXPECT_EQ(to_words(1'234ms), "1.2 s");
  EXPECT_EQ(to_words(150s), "150 s");
  EXPECT_EQ(to_words(125min), "2 h 5 min");
}

}  // namespace
}  // namespace colibri
