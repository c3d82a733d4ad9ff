#include "colibri/core/channel.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <ranges>
#include <string>
#include <vector>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

static_assert(std::ranges::input_range<Channel<int>>);
static_assert(std::input_iterator<ChannelIterator<std::string>>);

TEST(Channel, UnbufferedItJoinsSenderAndReceiver) {
  run_in_scheduler([] {
    Channel<int> numbers;
    bool sent = false;
    go([&, numbers] {
      numbers.send(7);
      sent = true;
    });
    yield();
    EXPECT_FALSE(sent) << "nobody has received it yet";
    EXPECT_EQ(numbers.receive(), 7);
    yield();
    EXPECT_TRUE(sent);
  });
}

TEST(Channel, AWaitingReceiverGetsTheValueAtOnce) {
  run_in_scheduler([] {
    Channel<int> numbers;
    auto receiver = spawn([numbers] { return numbers.receive(); });
    yield();
    EXPECT_TRUE(numbers.send(8)) << "does not wait";
    EXPECT_EQ(receiver.join(), 8);
  });
}

TEST(Channel, BufferedItTakesWhatFitsWithoutAWait) {
  run_in_scheduler([] {
    Channel<int> numbers(2);
    EXPECT_TRUE(numbers.try_send(1));
    EXPECT_TRUE(numbers.try_send(2));
    EXPECT_FALSE(numbers.try_send(3));
    EXPECT_EQ(numbers.size(), 2U);
    EXPECT_EQ(numbers.capacity(), 2U);
    EXPECT_EQ(numbers.try_receive(), 1);
    EXPECT_EQ(numbers.try_receive(), 2);
    EXPECT_EQ(numbers.try_receive(), std::nullopt);
  });
}

TEST(Channel, AWaitingSendersValueTakesThePlaceThatGetsFree) {
  run_in_scheduler([] {
    Channel<int> numbers(1);
    numbers.send(1);
    auto second = spawn([numbers] { return numbers.send(2); });
    auto third = spawn([numbers] { return numbers.send(3); });
    yield();
    EXPECT_EQ(numbers.receive(), 1);
    EXPECT_EQ(numbers.size(), 1U);
    EXPECT_EQ(numbers.receive(), 2);
    EXPECT_EQ(numbers.receive(), 3);
    EXPECT_TRUE(second.join());
    EXPECT_TRUE(third.join());
  });
}

TEST(Channel, IsARangeThatEndsAtClose) {
  run_in_scheduler([] {
    Channel<int> numbers(16);
    go([numbers] {
      for (int i = 0; i < 100; ++i) numbers.send(i);
      numbers.close();
    });
    int sum = 0;
    for (int number : numbers) sum += number;
    EXPECT_EQ(sum, 4950);
    EXPECT_TRUE(numbers.finished());
  });
}

TEST(Channel, CarriesWhatCannotBeCopied) {
  run_in_scheduler([] {
    Channel<std::unique_ptr<int>> pointers;
    go([pointers] {
      pointers.send(std::make_unique<int>(5));
      pointers.close();
    });
    int seen = 0;
    for (const auto& pointer : pointers) seen = *pointer;
    EXPECT_EQ(seen, 5);
  });
}

TEST(Channel, AClosedOneRefusesValuesAndKeepsThemIntact) {
  run_in_scheduler([] {
    Channel<std::unique_ptr<int>> pointers(1);
    pointers.close();
    pointers.close();
    auto value = std::make_unique<int>(1);
    EXPECT_FALSE(pointers.send(std::move(value)));
    EXPECT_NE(value, nullptr);
    EXPECT_FALSE(pointers.try_send(std::move(value)));
    EXPECT_NE(value, nullptr);
    EXPECT_TRUE(pointers.closed());
  });
}

TEST(Channel, CloseSendsWaitingSendersHomeWithTheirValues) {
  run_in_scheduler([] {
    Channel<std::unique_ptr<int>> pointers;
    auto sender = spawn([pointers] {
      auto value = std::make_unique<int>(1);
      const bool sent = pointers.send(std::move(value));
      return !sent && value != nullptr;
    });
    yield();
    pointers.close();
    EXPECT_TRUE(sender.join());
    EXPECT_EQ(pointers.receive(), std::nullopt);
  });
}

TEST(Channel, CloseTellsWaitingReceivers) {
  run_in_scheduler([] {
    Channel<int> numbers;
    auto receiver = spawn([numbers] { return numbers.receive(); });
    yield();
    numbers.close();
    EXPECT_EQ(receiver.join(), std::nullopt);
  });
}

TEST(Channel, WhatWasSentBeforeCloseIsReceived) {
  run_in_scheduler([] {
    Channel<int> numbers(2);
    numbers.send(1);
    numbers.send(2);
    numbers.close();
    EXPECT_FALSE(numbers.finished());
    EXPECT_EQ(numbers.receive(), 1);
    EXPECT_EQ(numbers.receive(), 2);
    EXPECT_EQ(numbers.receive(), std::nullopt);
    EXPECT_TRUE(numbers.finished());
  });
}

TEST(Channel, DeadlinesEndBothWaysOfWaiting) {
  run_in_scheduler([] {
    Channel<std::unique_ptr<int>> pointers;
    EXPECT_EQ(pointers.try_receive_for(milliseconds(1)), std::nullopt);
    auto value = std::make_unique<int>(1);
    EXPECT_FALSE(pointers.try_send_for(std::move(value), milliseconds(1)));
    EXPECT_NE(value, nullptr);
    EXPECT_FALSE(pointers.closed());
    // Nobody is left in the queues.
    EXPECT_FALSE(pointers.try_send(std::move(value)));
    EXPECT_EQ(pointers.try_receive(), std::nullopt);
  });
}

TEST(Channel, CancelEndsSendersAndReceivers) {
  run_in_scheduler([] {
    Channel<std::unique_ptr<int>> pointers;
    bool kept = false;
    auto sender = spawn([&, pointers] {
      auto value = std::make_unique<int>(1);
      try {
        pointers.send(std::move(value));
      } catch (const Canceled&) {
        kept = value != nullptr;
        throw;
      }
    });
    yield();
    sender.cancel();
    EXPECT_THROW(sender.join(), Canceled);
    EXPECT_TRUE(kept);
    auto receiver = spawn([pointers] { return pointers.receive(); });
    yield();
    receiver.cancel();
    EXPECT_THROW(receiver.join(), Canceled);
  });
}

TEST(Channel, CancelEndsLoopsThatNeverHaveToWait) {
  run_in_scheduler([] {
    Channel<int> numbers(2);
    auto busy = spawn([numbers] {
      for (;;) {
        numbers.send(1);
        numbers.receive();
      }
    });
    yield();
    busy.cancel();
    EXPECT_THROW(busy.join(), Canceled);
  });
}

TEST(Channel, ATimeLimitEndsAReceive) {
  run_in_scheduler([] {
    Channel<int> numbers;
    const TimeLimit limit(milliseconds(1));
    EXPECT_THROW(numbers.receive(), std::system_error);
  });
}

TEST(Channel, AValueThatComesWithTheCancellationIsNotLost) {
  run_in_scheduler([] {
    Channel<int> numbers;
    auto receiver = spawn([numbers] { return numbers.receive(); });
    yield();
    receiver.cancel();
    EXPECT_TRUE(numbers.try_send(3)) << "it still waits";
    EXPECT_EQ(receiver.join(), 3);
  });
}

TEST(Channel, ReceiversAreServedInTurn) {
  run_in_scheduler([] {
    Channel<int> numbers;
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) {
      go([&, numbers, i] {
        numbers.receive();
        order.push_back(i);
      });
    }
    yield();
    for (int i = 0; i < 3; ++i) numbers.send(i);
    yield();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  });
}

TEST(Channel, CopiesAreTheSameChannel) {
  Channel<int> first(1);
  Channel<int> second = first;
  EXPECT_EQ(first, second);
  EXPECT_FALSE(first == Channel<int>(1));
  second.send(4);
  EXPECT_EQ(first.receive(), 4);
}

TEST(Channel, ValuesLeftInsideAreDestroyed) {
  auto value = std::make_shared<int>(1);
  {
    Channel<std::shared_ptr<int>> channel(2);
    channel.send(value);
    channel.send(value);
    channel.receive();
    EXPECT_EQ(value.use_count(), 2);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Channel, MayBeCarriedByAChannel) {
  run_in_scheduler([] {
    Channel<Channel<int>> requests;
    go([requests] {
      for (Channel<int> reply : requests) reply.send(42);
    });
    Channel<int> reply;
    requests.send(reply);
    EXPECT_EQ(reply.receive(), 42);
    requests.close();
  });
}

TEST(ChannelDeathTest, DestroyedUnderAWaiterItSaysWhatToDo) {
  const auto misuse = [] {
    run([] {
      auto channel = std::make_unique<Channel<int>>();
      go([&] { channel->receive(); });
      yield();
      channel = nullptr;
    });
  };
  EXPECT_DEATH(misuse(), "a Channel was destroyed while others wait for it; give each coroutine");
}

}  // namespace
}  // namespace colibri
