// Seeds reach code that was written for threads: locks of std and pthread are preempted where the
// hooks make them ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>

#include "colibri/core/task.h"
#include "colibri/core/testing/seeds.h"
#include "test/support/captured_stderr.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using colibri::testing::for_each_seed;
using colibri::testing::run_with_seed;
using colibri::testing::SeedFailure;

/// The first seed that fails, which must fail again; 0 if none does. Who is abandoned is logged.
template <class Main>
std::uint64_t first_failing_seed(Main main, std::uint64_t seeds = 1'000) {
  std::uint64_t seed = 0;
  test::stderr_of([&] {
    try {
      for_each_seed(seeds, main);
    } catch (const SeedFailure& failure) {
      seed = failure.seed();
      EXPECT_THROW(run_with_seed(seed, main), SeedFailure);
    }
  });
  return seed;
}

/// A place for a letter, whose reader looks for it with or without the lock.
class Mailbox {
 public:
  void put(int letter) {
    const std::lock_guard lock(mutex_);
    letter_ = letter;
    arrived_.notify_one();
  }
  int take() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return letter_.has_value(); });
    return *letter_;
  }
  int take_carelessly() {
    if (!letter_.has_value()) {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock);
    }
    return *letter_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<int> letter_;
};

template <int (Mailbox::*take)()>
bool letter_arrives() {
  Mailbox mailbox;
  auto taker = spawn([&] { return (mailbox.*take)(); });
  mailbox.put(7);
  return taker.join() == 7;
}

TEST(SeedsOverHooks, FindALostWakeUp) {
  EXPECT_NE(first_failing_seed(&letter_arrives<&Mailbox::take_carelessly>), 0U);
}

TEST(SeedsOverHooks, FindNothingWhereTheLockIsHeld) {
  EXPECT_EQ(first_failing_seed(&letter_arrives<&Mailbox::take>, test::scaled(1'000, 200, 50)), 0U);
}

/// Two coroutines that take two locks in opposite orders.
template <class First, class Second>
bool both_get_both() {
  typename First::mutex_type left;
  typename Second::mutex_type right;
  auto one = spawn([&] {
    const First first(left);
    const Second second(right);
  });
  auto other = spawn([&] {
    const Second second(right);
    const First first(left);
  });
  one.join();
  other.join();
  return true;
}

TEST(SeedsOverHooks, FindLocksThatAreTakenInTwoOrders) {
  using Mutex = std::unique_lock<std::mutex>;
  using Recursive = std::unique_lock<std::recursive_mutex>;
  EXPECT_NE(first_failing_seed(&both_get_both<Mutex, Mutex>), 0U);
  EXPECT_NE(first_failing_seed(&both_get_both<Mutex, Recursive>), 0U);
}

TEST(SeedsOverHooks, FindReadersAndWritersInTwoOrders) {
  using Reader = std::shared_lock<std::shared_mutex>;
  using Writer = std::unique_lock<std::shared_mutex>;
  const auto upgrade_in_two = [] {
    std::shared_mutex left;
    std::shared_mutex right;
    auto one = spawn([&] {
      const Reader reader(left);
      const Writer writer(right);
    });
    auto other = spawn([&] {
      const Reader reader(right);
      const Writer writer(left);
    });
    one.join();
    other.join();
  };
  EXPECT_NE(first_failing_seed(upgrade_in_two), 0U);
}

TEST(SeedsOverHooks, PreemptCallsOnDescriptorsThatNeedNotWait) {
  std::size_t interrupted = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    run_with_seed(seed, [&] {
      std::array<int, 2> sockets{};
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()), 0);
      bool done = false;
      auto other = spawn([&] { interrupted += done ? 0 : 1; });
      char byte = 'x';
      EXPECT_EQ(write(sockets[0], &byte, 1), 1);
      EXPECT_EQ(read(sockets[1], &byte, 1), 1);
      done = true;
      other.join();
      for (const int each : sockets) close(each);
    });
  }
  EXPECT_GT(interrupted, 20U);
  EXPECT_LT(interrupted, 80U);
}

}  // namespace
}  // namespace colibri
