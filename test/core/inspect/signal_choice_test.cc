#include "colibri/core/inspect/signal_choice.h"

#include <gtest/gtest.h>

namespace colibri {
namespace {

void ours(int /*signal*/, siginfo_t* /*info*/, void* /*context*/) {}
void theirs(int /*signal*/) {}

/// What the program does with a signal.
void take(int number) {
  signal(number, &theirs);
}

class SignalChoiceTest : public testing::Test {
 protected:
  ~SignalChoiceTest() override {
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) signal(number, SIG_DFL);
  }
  SignalChoice choice_;
};

TEST_F(SignalChoiceTest, TakesTheHighestThatIsFree) {
  EXPECT_EQ(choice_.current(), 0);
  take(SIGRTMAX);
  EXPECT_EQ(choice_.get(&ours), SIGRTMAX - 1);
  EXPECT_EQ(choice_.get(&ours), SIGRTMAX - 1);
  EXPECT_EQ(choice_.current(), SIGRTMAX - 1);
}

TEST_F(SignalChoiceTest, LeavesASignalThatTheProgramHasTaken) {
  EXPECT_EQ(choice_.get(&ours), SIGRTMAX);
  take(SIGRTMAX);
  EXPECT_EQ(choice_.get(&ours), SIGRTMAX - 1);
}

TEST_F(SignalChoiceTest, TheHandlerRunsOnTheAlternateStackAndRestartsCalls) {
  struct sigaction action {};
  ASSERT_EQ(sigaction(choice_.get(&ours), nullptr, &action), 0);
  EXPECT_EQ(action.sa_sigaction, &ours);
  EXPECT_EQ(action.sa_flags & (SA_SIGINFO | SA_ONSTACK | SA_RESTART),
            SA_SIGINFO | SA_ONSTACK | SA_RESTART);
  EXPECT_EQ(sigismember(&action.sa_mask, SIGTERM), 1);
}

TEST_F(SignalChoiceTest, FindsNoneWhereAllAreTaken) {
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) take(number);
  EXPECT_EQ(choice_.get(&ours), 0);
  EXPECT_EQ(choice_.current(), 0);
}

}  // namespace
}  // namespace colibri
