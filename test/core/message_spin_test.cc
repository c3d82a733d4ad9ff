// When a scheduler looks out for messages before it sleeps, and when it leaves that.
#include "colibri/core/message_spin.h"

#include <gtest/gtest.h>

#include <thread>

namespace colibri {
namespace {

constexpr std::int64_t kForEver = -1;

struct Nothing : InboxMessage {
  void deliver() noexcept override {}
};

void sleep_ended_by_messages(MessageSpin& spin, std::uint32_t times) {
  for (std::uint32_t i = 0; i < times; ++i) spin.note_sleep(true);
}

class MessageSpinTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "alone on one processor";
  }
  ~MessageSpinTest() override { inbox_.close(); }

  void send() { inbox_.push(new Nothing); }

  Inbox inbox_;
  MessageSpin spin_;
};

TEST_F(MessageSpinTest, WhoGetsNoMessagesNeverLooks) {
  send();
  EXPECT_FALSE(spin_.finds_message(inbox_, kForEver));
  for (int i = 0; i < 100; ++i) spin_.note_sleep(false);
  EXPECT_FALSE(spin_.finds_message(inbox_, kForEver));
}

TEST_F(MessageSpinTest, LooksWhenTheLastSleepsWereAllEndedByMessages) {
  send();
  sleep_ended_by_messages(spin_, MessageSpin::kFewestSleeps - 1);
  EXPECT_FALSE(spin_.finds_message(inbox_, kForEver));
  sleep_ended_by_messages(spin_, 1);
  EXPECT_TRUE(spin_.finds_message(inbox_, kForEver));
  spin_.note_sleep(false);
  EXPECT_FALSE(spin_.finds_message(inbox_, kForEver));
}

TEST_F(MessageSpinTest, AfterALookInVainTwiceAsManySleepsAreNeeded) {
  std::uint32_t needed = MessageSpin::kFewestSleeps;
  for (int i = 0; i < 20; ++i) {
    sleep_ended_by_messages(spin_, needed);
    EXPECT_FALSE(spin_.finds_message(inbox_, kForEver));
    needed = std::min(2 * needed, MessageSpin::kMostSleeps);
  }
  EXPECT_EQ(needed, MessageSpin::kMostSleeps);

  send();
  sleep_ended_by_messages(spin_, needed - 1);
  EXPECT_FALSE(spin_.finds_message(inbox_, kForEver));
  sleep_ended_by_messages(spin_, 1);
  EXPECT_TRUE(spin_.finds_message(inbox_, kForEver));

  // Found: from now on a few are enough again.
  spin_.note_sleep(false);
  sleep_ended_by_messages(spin_, MessageSpin::kFewestSleeps);
  EXPECT_TRUE(spin_.finds_message(inbox_, kForEver));
}

TEST_F(MessageSpinTest, DescriptorsHaveTheirTurnBetweenMessages) {
  send();
  sleep_ended_by_messages(spin_, MessageSpin::kFewestSleeps);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 1; i < MessageSpin::kMostInARow; ++i) {
      ASSERT_TRUE(spin_.finds_message(inbox_, kForEver));
    }
    EXPECT_FALSE(spin_.finds_message(inbox_, kForEver));
  }
}

TEST_F(MessageSpinTest, AShortSleepBoundsTheLook) {
  sleep_ended_by_messages(spin_, MessageSpin::kFewestSleeps);
  EXPECT_FALSE(spin_.finds_message(inbox_, 1));
}

}  // namespace
}  // namespace colibri
