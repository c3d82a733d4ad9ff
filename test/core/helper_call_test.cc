#include "colibri/core/helper_call.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "colibri/core/deadline.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::run_in_scheduler;

/// A call that ends when it is told to.
class HeldCall final : public HelperCall {
 public:
  void run() noexcept override {
    while (!released) std::this_thread::sleep_for(milliseconds(1));
    ran = true;
  }
  void discard() noexcept override { discarded = true; }

  std::atomic<bool> released{false};
  std::atomic<bool> ran{false};
  std::atomic<bool> discarded{false};
};

void wait_until(const std::atomic<bool>& flag) {
  while (!flag) sleep_for(milliseconds(1));
}

TEST(HelperCall, IsWaitedFor) {
  run_in_scheduler([] {
    const auto call = std::make_shared<HeldCall>();
    go([call] { call->released = true; });
    EXPECT_EQ(run_on_helper(call, HelperSet::kFiles, {}), WakeReason::kFired);
    EXPECT_TRUE(call->ran);
    EXPECT_TRUE(call->is_done());
    EXPECT_FALSE(call->discarded);
  });
}

TEST(HelperCall, ThatIsGivenUpIsClearedAwayByItsHelper) {
  run_in_scheduler([] {
    const auto call = std::make_shared<HeldCall>();
    {
      TimeLimit limit(milliseconds(2));
      EXPECT_EQ(run_on_helper(call, HelperSet::kUnbounded, {}), WakeReason::kLimit);
    }
    EXPECT_FALSE(call->discarded);
    call->released = true;
    wait_until(call->discarded);
    EXPECT_TRUE(call->is_done());
  });
}

TEST(HelperCall, IsEndedByCancelUnlessItMustNotFail) {
  run_in_scheduler([] {
    for (const bool may_fail : {true, false}) {
      const auto call = std::make_shared<HeldCall>();
      auto task = spawn([call, may_fail] {
        return run_on_helper(call, HelperSet::kUnbounded, {.may_fail = may_fail});
      });
      yield();
      task.cancel();
      yield();
      call->released = true;
      EXPECT_EQ(task.join(), may_fail ? WakeReason::kCanceled : WakeReason::kFired);
      if (may_fail) wait_until(call->discarded);
      EXPECT_EQ(call->discarded, may_fail);
    }
  });
}

TEST(HelperCall, CanBeWaitedForBySeveral) {
  run_in_scheduler([] {
    const auto call = std::make_shared<HeldCall>();
    auto first = spawn([call] { return run_on_helper(call, HelperSet::kUnbounded, {}); });
    yield();
    auto second = spawn([call] { return call->wait({}); });
    yield();
    call->released = true;
    EXPECT_EQ(first.join(), WakeReason::kFired);
    EXPECT_EQ(second.join(), WakeReason::kFired);
  });
}

TEST(HelperCall, ThatWasGivenUpCanBeWaitedForAgain) {
  run_in_scheduler([] {
    const auto call = std::make_shared<HeldCall>();
    {
      TimeLimit limit(milliseconds(2));
      EXPECT_EQ(run_on_helper(call, HelperSet::kUnbounded, {}), WakeReason::kLimit);
    }
    auto second = spawn([call] { return call->wait({}); });
    yield();
    call->released = true;
    EXPECT_EQ(second.join(), WakeReason::kFired);
    // Its helper is through with it once it takes the next one.
    const auto last = std::make_shared<HeldCall>();
    last->released = true;
    EXPECT_EQ(run_on_helper(last, HelperSet::kUnbounded, {}), WakeReason::kFired);
    EXPECT_FALSE(call->discarded);
  });
}

TEST(HelperCall, IsNotGivenUpWhileOneOfSeveralWaits) {
  run_in_scheduler([] {
    const auto call = std::make_shared<HeldCall>();
    auto first = spawn([call] { return run_on_helper(call, HelperSet::kUnbounded, {}); });
    auto second = spawn([call] { return call->wait({}); });
    sleep_for(milliseconds(1));
    first.cancel();
    EXPECT_EQ(first.join(), WakeReason::kCanceled);
    call->released = true;
    EXPECT_EQ(second.join(), WakeReason::kFired);
    EXPECT_FALSE(call->discarded);
  });
}

TEST(HelperSets, OneThatIsFullHoldsUpNoOther) {
  run_in_scheduler([] {
    std::vector<std::shared_ptr<HeldCall>> calls;
    std::vector<Task<WakeReason>> tasks;
    for (int i = 0; i < 30; ++i) {
      calls.push_back(std::make_shared<HeldCall>());
      tasks.push_back(
          spawn([call = calls.back()] { return run_on_helper(call, HelperSet::kUnbounded, {}); }));
    }
    yield();
    const auto other = std::make_shared<HeldCall>();
    other->released = true;
    EXPECT_EQ(run_on_helper(other, HelperSet::kUnbounded, {}), WakeReason::kFired);
    EXPECT_EQ(offload([] { return 3; }), 3);
    for (auto& call : calls) call->released = true;
    for (auto& task : tasks) EXPECT_EQ(task.join(), WakeReason::kFired);
  });
}

TEST(HelperSets, TakeNoSignals) {
  run_in_scheduler([] {
    EXPECT_EQ(offload([] {
                sigset_t own;
                pthread_sigmask(SIG_SETMASK, nullptr, &own);
                return sigismember(&own, SIGTERM) + sigismember(&own, SIGCHLD);
              }),
              2);
  });
}

}  // namespace
}  // namespace colibri
