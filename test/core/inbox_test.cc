#include "colibri/core/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "test/support/scale.h"

namespace colibri {
namespace {

struct Delivery {
  int sender;
  int number;
  friend bool operator==(const Delivery&, const Delivery&) = default;
};

/// Notes its delivery, and its end.
class NotedMessage final : public InboxMessage {
 public:
  NotedMessage(Delivery delivery, std::vector<Delivery>& delivered, std::atomic<int>& alive)
      : delivery_(delivery), delivered_(delivered), alive_(alive) {
    ++alive_;
  }
  ~NotedMessage() override { --alive_; }
  void deliver() noexcept override { delivered_.push_back(delivery_); }

 private:
  Delivery delivery_;
  std::vector<Delivery>& delivered_;
  std::atomic<int>& alive_;
};

class InboxTest : public testing::Test {
 protected:
  ~InboxTest() override { EXPECT_EQ(alive_, 0) << "messages were neither delivered nor dropped"; }

  NotedMessage* message(int number, int sender = 0) {
    return new NotedMessage({sender, number}, delivered_, alive_);
  }

  std::vector<Delivery> delivered_;
  std::atomic<int> alive_{0};
};

TEST_F(InboxTest, DeliversOldestFirst) {
  Inbox inbox;
  for (int i = 0; i < 5; ++i) inbox.push(message(i));
  EXPECT_TRUE(inbox.deliver_all());
  EXPECT_EQ(delivered_, (std::vector<Delivery>{{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}}));
  EXPECT_FALSE(inbox.deliver_all());
  EXPECT_EQ(delivered_.size(), 5U);
}

TEST_F(InboxTest, AnAwakeReceiverNeedsNoWaking) {
  Inbox inbox;
  EXPECT_FALSE(inbox.push(message(0)));
  EXPECT_FALSE(inbox.push(message(1)));
  inbox.deliver_all();
}

TEST_F(InboxTest, OnlyTheFirstSenderWakesASleeper) {
  Inbox inbox;
  EXPECT_TRUE(inbox.prepare_sleep());
  EXPECT_TRUE(inbox.push(message(0)));
  EXPECT_FALSE(inbox.push(message(1)));
  EXPECT_TRUE(inbox.deliver_all());
  EXPECT_EQ(delivered_.size(), 2U);
  EXPECT_FALSE(inbox.push(message(2))) << "it is awake now";
  inbox.deliver_all();
}

TEST_F(InboxTest, WhoHasMailDoesNotSleep) {
  Inbox inbox;
  inbox.push(message(0));
  EXPECT_FALSE(inbox.prepare_sleep());
  inbox.deliver_all();
  EXPECT_TRUE(inbox.prepare_sleep());
  EXPECT_TRUE(inbox.prepare_sleep()) << "twice is as good as once";
  EXPECT_FALSE(inbox.deliver_all());
  EXPECT_FALSE(inbox.push(message(1))) << "deliver_all takes the mark away";
  inbox.deliver_all();
}

TEST_F(InboxTest, AClosedOneDropsWhatComes) {
  Inbox inbox;
  inbox.push(message(0));
  inbox.close();
  EXPECT_EQ(alive_, 0);
  EXPECT_FALSE(inbox.push(message(1)));
  EXPECT_EQ(alive_, 0);
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(InboxTest, ItsEndDropsWhatIsThere) {
  Inbox inbox;
  inbox.prepare_sleep();
  inbox.push(message(0));
}

TEST_F(InboxTest, LosesNothingFromManySendersAndKeepsEachOnesOrder) {
  constexpr int kSenders = 3;
  const int messages = static_cast<int>(test::many_operations(20'000));
  Inbox inbox;
  std::atomic<int> wakes{0};
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < messages; ++i) {
        if (inbox.push(message(i, sender))) ++wakes;
      }
    });
  }
  int sleeps = 0;
  const auto all = static_cast<std::size_t>(kSenders * messages);
  while (delivered_.size() < all) {
    if (inbox.prepare_sleep()) {
      ++sleeps;
      // Asleep: whoever sends first has to say that it wakes us.
      const int woken_before = sleeps - 1;
      while (wakes.load() == woken_before && delivered_.size() < all) std::this_thread::yield();
    }
    inbox.deliver_all();
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(wakes.load(), sleeps) << "exactly one sender wakes each sleep";
  std::vector<int> next(kSenders, 0);
  for (const Delivery& delivery : delivered_) {
    ASSERT_EQ(delivery.number, next[static_cast<std::size_t>(delivery.sender)]++);
  }
}

}  // namespace
}  // namespace colibri
