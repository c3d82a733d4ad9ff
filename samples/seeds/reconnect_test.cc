// A test of yours, with GoogleTest: an hour of pauses in no time, and a thousand orders.
//
//   bazel test --config=opt //samples/seeds:reconnect_test
//
// Under test is a client that connects again after growing pauses, and a pool that hands its
// connections out. Neither knows that it is tested: virtual time moves every clock of this thread,
// and the seeds decide whose turn it is wherever a call may wait.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>

#include "colibri/colibri.h"
#include "colibri/testing.h"

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// Tries `connect` until it succeeds, in pauses that grow from a second to a minute; false after an
/// hour.
bool connect_at_last(const std::function<bool()>& connect) {
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::hours(1);
  for (seconds pause(1); !connect(); pause = std::min<seconds>(2 * pause, minutes(1))) {
    if (std::chrono::steady_clock::now() + pause > give_up_at) return false;
    colibri::sleep_for(pause);
  }
  return true;
}

class ConnectionPool {
 public:
  explicit ConnectionPool(int connections) {
    for (int i = 0; i < connections; ++i) free_.push_back(i);
  }
  int take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !free_.empty(); });
    const int connection = free_.front();
    free_.pop_front();
    return connection;
  }
  void give_back(int connection) {
    const std::lock_guard lock(mutex_);
    free_.push_back(connection);
    returned_.notify_one();
  }

 private:
  colibri::Mutex mutex_;
  colibri::ConditionVariable returned_;
  std::deque<int> free_;
};

TEST(Reconnect, GivesUpAfterAnHour) {
  colibri::testing::run_with_seed(1, [] {
    int tries = 0;
    EXPECT_FALSE(connect_at_last([&] { return ++tries == 0; }));
    EXPECT_EQ(tries, 65);
    EXPECT_GT(colibri::testing::elapsed(), minutes(59));
  });
}

TEST(Reconnect, IsDoneWithinAMinuteOfTheServersReturn) {
  colibri::testing::run_with_seed(1, [] {
    const auto server_is_back = [] { return colibri::testing::elapsed() >= minutes(30); };
    EXPECT_TRUE(connect_at_last(server_is_back));
    EXPECT_LE(colibri::testing::elapsed(), minutes(31));
  });
}

TEST(ConnectionPool, GivesAConnectionToOneAtATime) {
  colibri::testing::for_each_seed(1'000, [] {
    ConnectionPool pool(2);
    bool taken[2] = {false, false};
    colibri::TaskGroup clients;
    for (int i = 0; i < 5; ++i) {
      clients.spawn([&] {
        const int connection = pool.take();
        EXPECT_FALSE(std::exchange(taken[connection], true));
        colibri::sleep_for(seconds(1));
        taken[connection] = false;
        pool.give_back(connection);
      });
    }
    clients.join();
    EXPECT_EQ(colibri::testing::elapsed(), seconds(3));
    return !::testing::Test::HasFailure();  // the exception of for_each_seed says which seed it was
  });
}

}  // namespace
