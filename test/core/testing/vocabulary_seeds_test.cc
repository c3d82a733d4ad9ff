// The vocabulary under a thousand seeds each: what is promised holds in every order.
#include <gtest/gtest.h>

#include <mutex>
#include <numeric>
#include <optional>
#include <queue>
#include <shared_mutex>
#include <stdexcept>
#include <vector>

#include "colibri/core/barrier.h"
#include "colibri/core/channel.h"
#include "colibri/core/condition_variable.h"
#include "colibri/core/event.h"
#include "colibri/core/future.h"
#include "colibri/core/mutex.h"
#include "colibri/core/once.h"
#include "colibri/core/select.h"
#include "colibri/core/semaphore.h"
#include "colibri/core/shared_mutex.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/task_group.h"
#include "colibri/core/testing/seeds.h"
#include "colibri/core/testing/virtual_time.h"
#include "colibri/core/ticker.h"
#include "colibri/core/wait_group.h"
#include "test/support/leak_check.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// `body` under each seed, up to the first for which an expectation fails.
template <class Body>
void under_every_seed(Body body) {
  const test::LeakCheck leaks;
  colibri::testing::for_each_seed(test::scaled(1'000, 200, 50), [&] {
    body();
    return !::testing::Test::HasFailure();
  });
}

/// Counts who is inside of something.
class Room {
 public:
  explicit Room(int capacity) : capacity_(capacity) {}
  void enter() { EXPECT_LE(++inside_, capacity_); }
  void leave() { --inside_; }

 private:
  int inside_ = 0;
  int capacity_;
};

/// A call that may let others in, wherever it stands.
void give_way() {
  Channel<int>(1).send(1);
}

TEST(UnderSeeds, ChannelsLoseNothingAndKeepTheOrderOfEachSender) {
  under_every_seed([] {
    constexpr int kSenders = 3;
    constexpr int kValues = 10;
    const Channel<std::pair<int, int>> channel(2);
    const WaitGroup senders;
    senders.add(kSenders);
    TaskGroup group;
    for (int sender = 0; sender < kSenders; ++sender) {
      group.spawn([channel, senders, sender] {
        for (int value = 0; value < kValues; ++value) EXPECT_TRUE(channel.send({sender, value}));
        senders.done();
      });
    }
    int received = 0;
    for (int receiver = 0; receiver < 2; ++receiver) {
      group.spawn([channel, &received] {
        std::vector<int> last(kSenders, -1);
        for (const auto& [sender, value] : channel) {
          EXPECT_GT(value, last[static_cast<std::size_t>(sender)]);
          last[static_cast<std::size_t>(sender)] = value;
          ++received;
        }
      });
    }
    senders.wait();
    channel.close();
    group.join();
    EXPECT_EQ(received, kSenders * kValues);
  });
}

TEST(UnderSeeds, SelectTakesEachValueOnce) {
  under_every_seed([] {
    const Channel<int> left;
    const Channel<int> right(3);
    const Channel<int> stop;
    int sum = 0;
    TaskGroup group;
    group.spawn([left] {
      for (int i = 0; i < 10; ++i) left.send(1);
    });
    group.spawn([right] {
      for (int i = 0; i < 10; ++i) right.send(100);
    });
    auto reader = spawn([&sum, left, right, stop] {
      const auto add = [&](int value) { sum += value; };
      bool running = true;
      while (running) {
        select(on_receive(left, add), on_receive(right, add),
               on_receive(stop, [&](int) { running = false; }));
      }
      for (auto value = right.try_receive(); value.has_value(); value = right.try_receive()) {
        add(*value);
      }
    });
    group.join();
    stop.send(0);
    reader.join();
    EXPECT_EQ(sum, 1'010);
  });
}

TEST(UnderSeeds, ATimeoutOfSelectLosesNoValue) {
  under_every_seed([] {
    const Channel<int> channel;
    int timeouts = 0;
    int received = 0;
    auto sender = spawn([channel] {
      for (int i = 0; i < 10; ++i) {
        sleep_for(milliseconds(10));
        channel.send(i);
      }
    });
    while (received < 10) {
      select(on_receive(channel, [&](int value) { EXPECT_EQ(value, received++); }),
             on_timeout(milliseconds(10), [&] { ++timeouts; }));
    }
    EXPECT_LE(timeouts, 10);
    EXPECT_EQ(colibri::testing::elapsed(), milliseconds(100));
    sender.join();
  });
}

TEST(UnderSeeds, AMutexLetsInOneAtATime) {
  under_every_seed([] {
    Mutex mutex;
    Room room(1);
    int entered = 0;
    TaskGroup group;
    for (int i = 0; i < 5; ++i) {
      group.spawn([&] {
        for (int round = 0; round < 3; ++round) {
          const std::lock_guard lock(mutex);
          room.enter();
          give_way();
          ++entered;
          room.leave();
        }
      });
    }
    group.join();
    EXPECT_EQ(entered, 15);
  });
}

TEST(UnderSeeds, ATimedMutexGivesUpInTimeOrNotAtAll) {
  under_every_seed([] {
    TimedMutex mutex;
    Room room(1);
    int entered = 0;
    int gave_up = 0;
    TaskGroup group;
    for (int i = 0; i < 4; ++i) {
      group.spawn([&] {
        std::unique_lock lock(mutex, milliseconds(15));
        if (!lock.owns_lock()) {
          ++gave_up;
          return;
        }
        room.enter();
        sleep_for(milliseconds(10));
        ++entered;
        room.leave();
      });
    }
    group.join();
    EXPECT_EQ(entered, 2);
    EXPECT_EQ(gave_up, 2);
  });
}

TEST(UnderSeeds, ASharedMutexKeepsWritersApart) {
  under_every_seed([] {
    SharedMutex mutex;
    Room writers(1);
    int value = 0;
    TaskGroup group;
    for (int i = 0; i < 2; ++i) {
      group.spawn([&] {
        const std::unique_lock lock(mutex);
        writers.enter();
        const int before = value;
        give_way();
        value = before + 1;
        writers.leave();
      });
      group.spawn([&] {
        const std::shared_lock lock(mutex);
        const int before = value;
        give_way();
        EXPECT_EQ(value, before);
      });
    }
    group.join();
    EXPECT_EQ(value, 2);
  });
}

TEST(UnderSeeds, ASemaphoreLetsInAsManyAsItHasPermits) {
  under_every_seed([] {
    Semaphore semaphore(2);
    Room room(2);
    int entered = 0;
    TaskGroup group;
    for (int i = 0; i < 6; ++i) {
      group.spawn([&] {
        semaphore.acquire();
        room.enter();
        give_way();
        ++entered;
        room.leave();
        semaphore.release();
      });
    }
    group.join();
    EXPECT_EQ(entered, 6);
  });
}

/// A queue with room for two, as in any textbook.
class BoundedQueue {
 public:
  void push(int value) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [&] { return values_.size() < 2; });
    values_.push(value);
    not_empty_.notify_one();
  }
  int pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return !values_.empty(); });
    const int value = values_.front();
    values_.pop();
    not_full_.notify_one();
    return value;
  }

 private:
  Mutex mutex_;
  ConditionVariable not_full_;
  ConditionVariable not_empty_;
  std::queue<int> values_;
};

TEST(UnderSeeds, AConditionVariableLosesNoWakeUp) {
  under_every_seed([] {
    BoundedQueue queue;
    int sum = 0;
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.spawn([&] {
        for (int value = 1; value <= 5; ++value) queue.push(value);
      });
      group.spawn([&] {
        for (int round = 0; round < 5; ++round) sum += queue.pop();
      });
    }
    group.join();
    EXPECT_EQ(sum, 45);
  });
}

TEST(UnderSeeds, ATaskGroupEndsWithItsFirstFailure) {
  under_every_seed([] {
    int alive = 0;
    struct Guest {
      int& alive;
      explicit Guest(int& count) : alive(count) { ++alive; }
      ~Guest() { --alive; }
    };
    TaskGroup group;
    for (int i = 0; i < 5; ++i) {
      group.spawn([&alive, i] {
        const Guest guest(alive);
        give_way();
        if (i == 2) throw std::runtime_error("the third");
        sleep_for(hours(1));
      });
    }
    EXPECT_THROW(group.join(), std::runtime_error);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(colibri::testing::elapsed(), seconds(0));
  });
}

TEST(UnderSeeds, APoolOfWorkersDoesEachJobOnce) {
  under_every_seed([] {
    constexpr int kWorkers = 3;
    const Channel<int> jobs(4);
    const WaitGroup workers;
    Mutex mutex;
    std::vector<int> done;
    workers.add(kWorkers);
    for (int i = 0; i < kWorkers; ++i) {
      go([&, jobs, workers] {
        for (const int job : jobs) {
          const std::lock_guard lock(mutex);
          done.push_back(job);
        }
        workers.done();
      });
    }
    for (int job = 1; job <= 20; ++job) jobs.send(job);
    jobs.close();
    workers.wait();
    EXPECT_EQ(done.size(), 20U);
    EXPECT_EQ(std::accumulate(done.begin(), done.end(), 0), 210);
  });
}

TEST(UnderSeeds, AFutureIsSetBeforeItIsHad) {
  under_every_seed([] {
    Promise<int> promise;
    const Future<int> future = promise.future();
    TaskGroup group;
    int sum = 0;
    for (int i = 0; i < 3; ++i) group.spawn([&sum, future] { sum += future.get(); });
    group.spawn([&promise] { promise.set(7); });
    group.join();
    EXPECT_EQ(sum, 21);
  });
}

TEST(UnderSeeds, OnceIsOnceForAll) {
  under_every_seed([] {
    Once once;
    int called = 0;
    TaskGroup group;
    for (int i = 0; i < 4; ++i) {
      group.spawn([&] {
        once.call([&] {
          give_way();
          ++called;
        });
        EXPECT_EQ(called, 1);
      });
    }
    group.join();
  });
}

TEST(UnderSeeds, ABarrierKeepsRoundsApart) {
  under_every_seed([] {
    constexpr int kMembers = 3;
    Barrier barrier(kMembers);
    int arrived = 0;
    TaskGroup group;
    for (int i = 0; i < kMembers; ++i) {
      group.spawn([&] {
        for (int round = 1; round <= 3; ++round) {
          give_way();
          ++arrived;
          barrier.arrive_and_wait();
          EXPECT_GE(arrived, round * kMembers);
        }
      });
    }
    group.join();
    EXPECT_EQ(arrived, 3 * kMembers);
  });
}

}  // namespace
}  // namespace colibri
