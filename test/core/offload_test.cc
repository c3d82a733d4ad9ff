#include "colibri/core/offload.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "colibri/core/event.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/wait_group.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(Offload, RunsElsewhereWhileOthersRunHere) {
  run_in_scheduler([] {
    std::atomic<bool> other_ran{false};
    go([&] { other_ran = true; });
    const std::thread::id there = offload([&] {
      while (!other_ran) std::this_thread::yield();
      return std::this_thread::get_id();
    });
    EXPECT_NE(there, std::this_thread::get_id());
  });
}

TEST(Offload, PassesErrorsAndMovesResults) {
  run_in_scheduler([] {
    EXPECT_THROW(offload([]() -> int { throw std::runtime_error("there"); }), std::runtime_error);
    EXPECT_EQ(*offload([] { return std::make_unique<int>(3); }), 3);
    offload([] {});
  });
}

TEST(Offload, OutsideACoroutineItJustCalls) {
  EXPECT_EQ(offload([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
}

TEST(Offload, IsNotEndedByCancel) {
  run_in_scheduler([] {
    std::atomic<bool> release{false};
    bool returned = false;
    auto task = spawn([&] {
      offload([&] {
        while (!release) std::this_thread::yield();
      });
      returned = true;
    });
    yield();
    task.cancel();
    yield();
    EXPECT_FALSE(returned);
    release = true;
    task.join();
    EXPECT_TRUE(returned);
  });
}

TEST(Offload, ManyCoroutinesShareFewThreads) {
  run_in_scheduler([] {
    const std::size_t count = test::many_operations(500);
    std::atomic<std::size_t> sum{0};
    const WaitGroup group;
    group.add(count);
    for (std::size_t i = 0; i < count; ++i) {
      go([&sum, group, i] {
        sum += offload([i] { return i; });
        group.done();
      });
    }
    group.wait();
    EXPECT_EQ(sum, count * (count - 1) / 2);
  });
}

TEST(OffloadDeathTest, AFullQueueIsAnErrorAndTheLimitsAreSetOnce) {
  // In a child process, since the limits hold for good. It dies of its last line, if all is well.
  const auto overfill = [] {
    set_offload_limits({.threads = 1, .queued = 1});
    run([] {
      std::atomic<bool> release{false};
      int refused = 0;
      std::vector<Task<void>> tasks;
      for (int i = 0; i < 3; ++i) {
        tasks.push_back(spawn([&] {
          try {
            offload([&] {
              while (!release) std::this_thread::yield();
            });
          } catch (const std::system_error& error) {
            if (error.code() == std::errc::resource_unavailable_try_again) ++refused;
          }
        }));
      }
      yield();
      release = true;
      for (auto& task : tasks) task.join();
      if (refused == 1 || refused == 2) set_offload_limits({});
    });
  };
  EXPECT_DEATH(overfill(), "set_offload_limits called after the first offload");
}

}  // namespace
}  // namespace colibri
