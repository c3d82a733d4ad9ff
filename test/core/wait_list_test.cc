#include "colibri/core/wait_list.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace colibri {
namespace {

class WaitListTest : public testing::Test {
 protected:
  void SetUp() override {
    for (WaitNode& node : nodes_) list_.push_back(node);
  }

  /// Takes all nodes out: which they were, in order ("02").
  std::string drained() {
    std::string order;
    while (WaitNode* node = list_.pop_front()) {
      order += static_cast<char>('0' + (node - nodes_.data()));
    }
    return order;
  }

  std::array<WaitNode, 3> nodes_;
  WaitList list_;
};

TEST_F(WaitListTest, FirstComeFirstOut) {
  EXPECT_FALSE(list_.empty());
  EXPECT_EQ(list_.first(), &nodes_[0]);
  EXPECT_EQ(drained(), "012");
  EXPECT_TRUE(list_.empty());
  EXPECT_EQ(list_.first(), nullptr);
  EXPECT_EQ(list_.pop_front(), nullptr);
}

TEST_F(WaitListTest, WithdrawsTheFirst) {
  withdraw(nodes_[0]);
  EXPECT_EQ(drained(), "12");
}

TEST_F(WaitListTest, WithdrawsOneInTheMiddle) {
  withdraw(nodes_[1]);
  EXPECT_EQ(drained(), "02");
}

TEST_F(WaitListTest, WithdrawsTheLast) {
  withdraw(nodes_[2]);
  list_.push_back(nodes_[2]);
  withdraw(nodes_[2]);
  EXPECT_EQ(drained(), "01");
}

TEST_F(WaitListTest, WithdrawnNodesMayComeBack) {
  withdraw(nodes_[0]);
  list_.push_back(nodes_[0]);
  EXPECT_EQ(drained(), "120");
}

TEST_F(WaitListTest, WithdrawingTwiceDoesNothing) {
  for (WaitNode& node : nodes_) withdraw(node);
  EXPECT_TRUE(list_.empty());
  withdraw(nodes_[1]);
  EXPECT_TRUE(list_.empty());
}

TEST_F(WaitListTest, ATakenNodeIsInNoList) {
  WaitNode* node = list_.pop_front();
  EXPECT_EQ(node->next, nullptr);
  withdraw(*node);
  EXPECT_EQ(drained(), "12");
}

TEST(WaitList, AllBytesZeroIsAnEmptyList) {
  alignas(WaitList) std::byte memory[sizeof(WaitList)];
  std::memset(memory, 0, sizeof memory);
  auto* list = reinterpret_cast<WaitList*>(memory);
  EXPECT_TRUE(list->empty());
  WaitNode node;
  list->push_back(node);
  EXPECT_EQ(list->pop_front(), &node);
}

}  // namespace
}  // namespace colibri
