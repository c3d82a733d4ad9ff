// Waking coroutines from other threads.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using test::run_in_scheduler;
using test::times_written;

/// Hands a number to a coroutine, and waits until it has been taken.
struct Baton {
  std::atomic<std::size_t> offered{0};
  std::atomic<std::size_t> taken{0};
};

TEST(ParkerThreads, EveryPermitOfAThreadArrives) {
  const std::size_t rounds = test::many_operations(20'000);
  run_in_scheduler([&] {
    Parker parker;
    Baton baton;
    std::thread giver([&, unparker = parker.unparker()] {
      for (std::size_t i = 1; i <= rounds; ++i) {
        baton.offered = i;
        unparker.unpark();
        while (baton.taken != i) std::this_thread::yield();
      }
    });
    for (std::size_t i = 1; i <= rounds; ++i) {
      while (baton.offered != i) parker.park();
      baton.taken = i;
    }
    giver.join();
  });
}

TEST(ParkerThreads, SeveralThreadsWakeSeveralCoroutines) {
  constexpr std::size_t kThreads = 3;
  constexpr std::size_t kCoroutines = 20;
  const std::size_t rounds = test::many_operations(5'000);
  run_in_scheduler([&] {
    std::vector<Unparker> unparkers;
    std::atomic<std::size_t> given{0};
    std::atomic<bool> over{false};
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < kCoroutines; ++i) {
      tasks.push_back(spawn([&] {
        Parker parker;
        unparkers.push_back(parker.unparker());
        while (!over) parker.park();
      }));
    }
    yield();
    ASSERT_EQ(unparkers.size(), kCoroutines);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < rounds; ++i) {
          unparkers[i % kCoroutines].unpark();
          ++given;
        }
        // The last one ends the game; each coroutine then gets a permit that it must not miss.
        if (given == kThreads * rounds) over = true;
        for (const Unparker& unparker : unparkers) unparker.unpark();
      });
    }
    for (Task<void>& task : tasks) task.join();
    for (std::thread& thread : threads) thread.join();
  });
}

TEST(ParkerThreads, TwoSchedulersPlayPingPong) {
  const std::size_t rounds = test::many_operations(5'000);
  std::atomic<Unparker*> there{nullptr};
  std::atomic<std::size_t> ball{0};  // even: here, odd: there
  const auto play = [&](std::size_t parity, Parker& parker, const Unparker& other) {
    for (std::size_t i = parity; i < rounds; i += 2) {
      while (ball != i) parker.park();
      ball = i + 1;
      other.unpark();
    }
  };
  run_in_scheduler([&] {
    Parker parker;
    const Unparker here = parker.unparker();
    std::thread thread([&] {
      run([&] {
        Parker own;
        Unparker mine = own.unparker();
        there = &mine;
        here.unpark();
        play(1, own, here);
        while (ball != rounds + 1) own.park();
      });
    });
    while (there == nullptr) parker.park();
    const Unparker other = *there;
    play(0, parker, other);
    while (ball < rounds) parker.park();
    ball = rounds + 1;
    other.unpark();
    thread.join();
  });
}

TEST(ParkerThreads, ThreadsMayGoOnAfterTheSchedulersEnd) {
  for (std::size_t i = 0; i < test::many_operations(200); ++i) {
    std::atomic<bool> stop{false};
    std::optional<std::thread> thread;
    run([&] {
      Parker parker;
      thread.emplace([&, unparker = parker.unparker()] {
        while (!stop) unparker.unpark();
      });
      parker.park();
      parker.park();
    });
    stop = true;
    thread->join();
  }
}

TEST(ParkerThreads, AnAwakeSchedulerIsWokenWithoutASystemCall) {
  run_in_scheduler([] {
    constexpr int kPermits = 1'000;
    Parker parker;
    const int eventfd = test::internal_descriptor_of_kind("eventfd");
    ASSERT_GE(eventfd, 0);
    const auto before = times_written(eventfd);
    std::atomic<int> given{0};
    int taken = 0;
    std::thread giver([&, unparker = parker.unparker()] {
      for (int i = 0; i < kPermits; ++i) {
        unparker.unpark();
        ++given;
      }
    });
    // Never parks, so the scheduler is awake all the time.
    while (given < kPermits) {
      taken += parker.park_until(Deadline::at_nanoseconds(0)) ? 1 : 0;
      yield();
    }
    giver.join();
    taken += parker.park_until(Deadline::at_nanoseconds(0)) ? 1 : 0;
    EXPECT_GE(taken, 1);
    EXPECT_EQ(times_written(eventfd), before);
  });
}

TEST(ParkerThreads, ASleepingSchedulerIsWokenByOneWriteForManyPermits) {
  run_in_scheduler([] {
    const int eventfd = test::internal_descriptor_of_kind("eventfd");
    ASSERT_GE(eventfd, 0);
    const auto before = times_written(eventfd);
    constexpr unsigned kRounds = 20;
    Parker parker;
    for (unsigned i = 0; i < kRounds; ++i) {
      std::thread giver([unparker = parker.unparker()] {
        for (int permit = 0; permit < 10; ++permit) unparker.unpark();
      });
      parker.park();
      giver.join();
    }
    EXPECT_LE(times_written(eventfd) - before, 2 * kRounds);
  });
}

}  // namespace
}  // namespace colibri
