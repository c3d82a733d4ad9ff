// Channels and select between schedulers and plain threads: every value arrives once.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "colibri/core/select.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using Number = std::size_t;

enum class Side { kThread, kScheduler, kTwoCoroutines };

/// Runs `body` on a new thread: as it is, in a coroutine, or in two coroutines at once.
std::thread start(Side side, std::function<void()> body) {
  return std::thread([side, body = std::move(body)] {
    if (side == Side::kThread) {
      body();
    } else {
      run([&] {
        if (side == Side::kTwoCoroutines) {
          auto other = spawn([&] { body(); });
          body();
          other.join();
        } else {
          body();
        }
      });
    }
  });
}

struct Mix {
  Side senders;
  Side receivers;
  std::size_t capacity;
};

class ChannelMix : public testing::TestWithParam<Mix> {};

TEST_P(ChannelMix, EveryValueArrivesOnce) {
  const Number each = test::many_operations(5'000);
  Channel<Number> numbers(GetParam().capacity);
  std::atomic<Number> sent_sum{0};
  std::atomic<Number> received_sum{0};
  std::atomic<Number> sent{0};
  std::atomic<Number> received{0};
  const auto send = [&] {
    for (Number i = 0; i < each; ++i) {
      ASSERT_TRUE(numbers.send(i));
      sent_sum += i;
      ++sent;
    }
  };
  const auto receive = [&] {
    for (Number number : numbers) {
      received_sum += number;
      ++received;
    }
  };
  std::vector<std::thread> senders;
  std::vector<std::thread> receivers;
  for (int i = 0; i < 2; ++i) senders.push_back(start(GetParam().senders, send));
  for (int i = 0; i < 2; ++i) receivers.push_back(start(GetParam().receivers, receive));
  for (std::thread& thread : senders) thread.join();
  numbers.close();
  for (std::thread& thread : receivers) thread.join();
  EXPECT_EQ(sent, received);
  EXPECT_EQ(sent_sum, received_sum);
}

INSTANTIATE_TEST_SUITE_P(AllMixes, ChannelMix,
                         testing::Values(Mix{Side::kThread, Side::kThread, 0},
                                         Mix{Side::kThread, Side::kScheduler, 0},
                                         Mix{Side::kScheduler, Side::kThread, 3},
                                         Mix{Side::kScheduler, Side::kScheduler, 0},
                                         Mix{Side::kTwoCoroutines, Side::kTwoCoroutines, 0},
                                         Mix{Side::kTwoCoroutines, Side::kTwoCoroutines, 5},
                                         Mix{Side::kTwoCoroutines, Side::kThread, 1}));

TEST(ChannelThreads, SelectsOnBothSidesLoseNothing) {
  const Number each = test::many_operations(4'000);
  Channel<Number> first;
  Channel<Number> second(2);
  std::atomic<Number> sent_sum{0};
  std::atomic<Number> received_sum{0};
  std::atomic<Number> timed_out{0};
  std::atomic<int> senders_left{4};
  const auto send = [&] {
    for (Number i = 1; i <= each;) {
      Number sent = 0;
      select(on_send(first, i, [&] { sent = i; }), on_send(second, i, [&] { sent = i; }),
             on_timeout(std::chrono::microseconds(i % 50), [&] { ++timed_out; }));
      sent_sum += sent;
      if (sent != 0) ++i;
    }
    if (--senders_left == 0) {
      first.close();
      second.close();
    }
  };
  const auto receive = [&] {
    const auto add = [&](Number number) { received_sum += number; };
    while (select(on_receive(first, add), on_receive(second, add)) != kNothingSelected) {
    }
  };
  std::vector<std::thread> threads;
  threads.push_back(start(Side::kTwoCoroutines, send));
  threads.push_back(start(Side::kThread, send));
  threads.push_back(start(Side::kScheduler, send));
  threads.push_back(start(Side::kTwoCoroutines, receive));
  threads.push_back(start(Side::kThread, receive));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sent_sum, 4 * each * (each + 1) / 2);
  EXPECT_EQ(sent_sum, received_sum);
}

TEST(ChannelThreads, DeadlinesAndCancelsAmongTransfersLoseNothing) {
  const Number rounds = test::many_operations(3'000);
  Channel<Number> numbers;
  std::atomic<Number> sent{0};
  std::atomic<Number> received{0};
  std::thread sender = start(Side::kTwoCoroutines, [&] {
    for (Number i = 0; i < rounds; ++i) {
      if (numbers.try_send_for(Number{1}, std::chrono::microseconds(i % 20))) ++sent;
    }
    for (Number i = 0; i < rounds / 10; ++i) {
      auto task = spawn([&] {
        if (numbers.send(1)) ++sent;
      });
      yield();
      task.cancel();
      try {
        task.join();
      } catch (const Canceled&) {
      }
    }
  });
  std::atomic<bool> over{false};
  std::thread receiver = start(Side::kTwoCoroutines, [&] {
    while (!over) {
      if (numbers.try_receive_for(std::chrono::microseconds(10))) ++received;
    }
  });
  sender.join();
  over = true;
  receiver.join();
  EXPECT_EQ(sent, received);
}

}  // namespace
}  // namespace colibri
