// Nobody is starved by a coroutine that is always ready.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/descriptor_wait.h"
#include "colibri/core/parker.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::DescriptorPair;
using test::run_in_scheduler;

/// Runs `wait` to its end beside a coroutine that does `work` for ever.
template <class Work, class Wait>
void expect_not_starved(Work work, Wait wait) {
  run_in_scheduler([&] {
    bool stop = false;
    auto busy = spawn([&] {
      while (!stop) work();
    });
    wait();
    stop = true;
    busy.join();
  });
}

void wait_for_a_pipe_that_a_thread_fills() {
  const DescriptorPair pipe = DescriptorPair::pipe();
  std::thread writer([&] {
    std::this_thread::sleep_for(milliseconds(2));
    pipe.put('x');
  });
  while (pipe.take() < 0) wait_ready(pipe.reader(), Direction::kRead, {});
  writer.join();
}

void wait_for_a_permit_of_a_thread() {
  Parker parker;
  std::thread giver([unparker = parker.unparker()] {
    std::this_thread::sleep_for(milliseconds(2));
    unparker.unpark();
  });
  parker.park();
  giver.join();
}

TEST(Fairness, OneThatYieldsForEverStarvesNoTimer) {
  expect_not_starved([] { yield(); }, [] { sleep_for(milliseconds(2)); });
}

TEST(Fairness, OneThatYieldsForEverStarvesNoDescriptor) {
  expect_not_starved([] { yield(); }, wait_for_a_pipe_that_a_thread_fills);
}

TEST(Fairness, OneThatYieldsForEverStarvesNoMessageOfAThread) {
  expect_not_starved([] { yield(); }, wait_for_a_permit_of_a_thread);
}

/// The same beside a coroutine that exchanges messages with another scheduler for ever.
void expect_not_starved_by_messages(void (*wait)()) {
  const Channel<int> there;
  const Channel<int> back;
  const auto exchange = [&] {
    if (!there.send(1)) return yield();
    back.receive();
  };
  expect_not_starved(exchange, [&] {
    std::thread other([&] {
      run([&] {
        for (const int number : there) back.send(number);
      });
    });
    wait();
    there.close();
    back.close();
    other.join();
  });
}

TEST(Fairness, MessagesForEverStarveNoDescriptor) {
  expect_not_starved_by_messages(wait_for_a_pipe_that_a_thread_fills);
}

TEST(Fairness, MessagesForEverStarveNoTimer) {
  expect_not_starved_by_messages([] { sleep_for(milliseconds(2)); });
}

TEST(Fairness, TwoThatWakeEachOtherForEverStarveNoDescriptor) {
  run_in_scheduler([] {
    bool stop = false;
    std::optional<Unparker> first;
    auto ping = spawn([&] {
      Parker parker;
      first.emplace(parker.unparker());
      while (!stop) parker.park_until(Deadline::after(milliseconds(1)));
    });
    yield();
    auto pong = spawn([&] {
      while (!stop) {
        first->unpark();
        yield();
      }
    });
    wait_for_a_pipe_that_a_thread_fills();
    stop = true;
    ping.join();
    pong.join();
  });
}

TEST(Fairness, OneWhoseCallsNeverWaitStarvesNobody) {
  const auto call_that_never_waits = [] { Scheduler::current("test").begin_call(); };
  expect_not_starved(call_that_never_waits, [] { sleep_for(milliseconds(2)); });
  expect_not_starved(call_that_never_waits, wait_for_a_pipe_that_a_thread_fills);
  expect_not_starved(call_that_never_waits, [] { yield(); });
}

TEST(Fairness, CallsThatNeverWaitYieldOnceInSixtyFour) {
  run_in_scheduler([] {
    int turns_of_other = 0;
    bool stop = false;
    auto other = spawn([&] {
      while (!stop) {
        ++turns_of_other;
        yield();
      }
    });
    for (int i = 0; i < 640; ++i) Scheduler::current("test").begin_call();
    EXPECT_GE(turns_of_other, 9);
    EXPECT_LE(turns_of_other, 11);
    stop = true;
  });
}

TEST(Fairness, ACallTellsFirstWhetherItMayGoOn) {
  run_in_scheduler([] {
    const auto begin_call = [] { return Scheduler::current("test").begin_call(); };
    EXPECT_EQ(begin_call(), WakeReason::kFired);
    {
      const TimeLimit limit(std::chrono::hours(1));
      EXPECT_EQ(begin_call(), WakeReason::kFired);
    }
    {
      const TimeLimit limit(milliseconds(0));
      EXPECT_EQ(begin_call(), WakeReason::kLimit);
    }
    EXPECT_EQ(begin_call(), WakeReason::kFired);
    auto canceled = spawn([&] {
      const auto other_ran = std::make_shared<bool>(false);
      go([other_ran] { *other_ran = true; });
      EXPECT_EQ(begin_call(), WakeReason::kCanceled);
      EXPECT_TRUE(*other_ran) << "a failed call yields, so that loops that ignore it do not spin";
    });
    canceled.cancel();
    canceled.join();
  });
}

TEST(Fairness, ManyThatAreAlwaysReadyStarveNobody) {
  run_in_scheduler([] {
    bool stop = false;
    std::vector<Task<void>> busy;
    for (int i = 0; i < 200; ++i) {
      busy.push_back(spawn([&] {
        while (!stop) yield();
      }));
    }
    sleep_for(milliseconds(2));
    wait_for_a_pipe_that_a_thread_fills();
    wait_for_a_permit_of_a_thread();
    stop = true;
    for (Task<void>& task : busy) task.join();
  });
}

}  // namespace
}  // namespace colibri
