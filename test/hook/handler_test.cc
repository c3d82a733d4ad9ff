// Signal handlers of the program's in coroutines: hooks never park inside, and do again afterwards,
// however the handler was left.
#include <gtest/gtest.h>
#include <setjmp.h>
#include <ucontext.h>

#include <memory>

#include "colibri/core/alternate_stack.h"
#include "colibri/core/sanitizer.h"
#include "colibri/hook/hook.h"
#include "test/support/bystander.h"
#include "test/support/channels.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/signal_counter.h"

namespace colibri::test {
namespace {

/// Installs `handler`, which interrupts no call.
void handle(int signal, void (*handler)(int), int flags = 0) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags | SA_RESTART;
  sigaction(signal, &action, nullptr);
}

/// True if a hooked call lets others run.
bool parks(const Bystander& bystander) {
  const int before = bystander.turns();
  usleep(1);
  return bystander.turns() != before;
}

/// Uses some stack, so that the call lies deeper than a handler's frame did.
[[gnu::noinline]] bool parks_deep_down(const Bystander& bystander) {
  char room[16'384];
  const bool result = parks(bystander);
  asm volatile("" : : "r"(room) : "memory");
  return result;
}

const Bystander* watched;
bool parked_in_handler;
sigjmp_buf target;
sigjmp_buf* inner_target;
ucontext_t context_target;

void look(int) {
  parked_in_handler = parks(*watched);
}

void look_and_jump(int) {
  parked_in_handler = parks(*watched);
  siglongjmp(target, 1);
}

/// Runs `body` in main's coroutine, beside a bystander; SIGUSR1 is as before afterwards.
void beside_a_bystander(const std::function<void(const Bystander&)>& body) {
  run_in_scheduler([&] {
    const SignalCounter restore(hooked_libc(), SIGUSR1);
    const Bystander bystander;
    watched = &bystander;
    parked_in_handler = false;
    body(bystander);
    EXPECT_FALSE(parked_in_handler);
  });
}

/// An alternate stack for the time of a test.
class AlternateStack {
 public:
  AlternateStack() {
    const stack_t mine{memory_.get(), 0, kBytes};
    sigaltstack(&mine, &before_);
  }
  ~AlternateStack() { sigaltstack(&before_, nullptr); }

 private:
  static constexpr std::size_t kBytes = 131'072;
  std::unique_ptr<char[]> memory_ = std::make_unique<char[]>(kBytes);
  stack_t before_{};
};

TEST(Handler, ThatReturns) {
  beside_a_bystander([](const Bystander& bystander) {
    handle(SIGUSR1, look);
    raise(SIGUSR1);
    EXPECT_TRUE(parks(bystander));
  });
}

TEST(Handler, ThatIsLeftByAJump) {
  beside_a_bystander([](const Bystander& bystander) {
    handle(SIGUSR1, look_and_jump);
    for (int round = 0; round < 3; ++round) {
      if (sigsetjmp(target, 1) == 0) raise(SIGUSR1);
      EXPECT_TRUE(parks(bystander)) << round;
    }
  });
}

TEST(Handler, ThatIsLeftByAJumpAndFollowedByDeepCalls) {
  beside_a_bystander([](const Bystander& bystander) {
    handle(SIGUSR1, look_and_jump);
    if (sigsetjmp(target, 1) == 0) raise(SIGUSR1);
    EXPECT_TRUE(parks_deep_down(bystander));
  });
}

TEST(Handler, ThatIsLeftByAJumpFromTheAlternateStack) {
  beside_a_bystander([](const Bystander& bystander) {
    const AlternateStack alternate;
    handle(SIGUSR1, look_and_jump, SA_ONSTACK);
    if (sigsetjmp(target, 1) == 0) raise(SIGUSR1);
    EXPECT_TRUE(parks_deep_down(bystander));
  });
}

TEST(Handler, ThatIsLeftByAContext) {
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "sanitizers do not know setcontext";
  beside_a_bystander([](const Bystander& bystander) {
    handle(SIGUSR1, [](int) {
      parked_in_handler = parks(*watched);
      setcontext(&context_target);
    });
    volatile bool raised = false;
    getcontext(&context_target);
    if (!raised) {
      raised = true;
      raise(SIGUSR1);
    }
    EXPECT_TRUE(parks(bystander));
  });
}

void look_and_jump_to_the_outer_handler(int) {
  parked_in_handler = parks(*watched);
  siglongjmp(*inner_target, 1);
}

// The inner handler jumps into the outer one: that still runs.
TEST(Handler, ThatIsLeftForAnotherHandler) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer lets no handler interrupt another";
  static bool parked_in_outer;
  beside_a_bystander([](const Bystander& bystander) {
    const SignalCounter restore(hooked_libc(), SIGUSR2);
    handle(SIGUSR2, [](int) {
      sigjmp_buf here;
      inner_target = &here;
      if (sigsetjmp(here, 1) == 0) raise(SIGUSR1);
      if (sigsetjmp(here, 1) == 0) raise(SIGUSR1);
      parked_in_outer = parks(*watched);
    });
    handle(SIGUSR1, look_and_jump_to_the_outer_handler);
    raise(SIGUSR2);
    EXPECT_FALSE(parked_in_outer);
    EXPECT_TRUE(parks(bystander));
  });
}

TEST(Handler, ThatInterruptsAnotherHandler) {
  beside_a_bystander([](const Bystander& bystander) {
    const AlternateStack alternate;
    const SignalCounter restore(hooked_libc(), SIGUSR2);
    handle(SIGUSR2, [](int) {
      raise(SIGUSR1);
      parked_in_handler = parked_in_handler || parks(*watched);
    });
    for (const int flags : {0, SA_ONSTACK}) {
      handle(SIGUSR1, look, flags);
      raise(SIGUSR2);
      EXPECT_TRUE(parks(bystander));
    }
  });
}

TEST(Handler, KeepsABypassThatIsInForce) {
  beside_a_bystander([](const Bystander& bystander) {
    handle(SIGUSR1, look_and_jump);
    {
      const HookBypass bypass;
      if (sigsetjmp(target, 1) == 0) raise(SIGUSR1);
      EXPECT_FALSE(parks(bystander));
    }
    EXPECT_TRUE(parks(bystander));
  });
}

// What a handler of colibri's own would need, the program neither sees nor takes away.
TEST(AlternateStack, OfColibrisOwnIsHiddenAndComesBack) {
  const auto memory = std::make_unique<char[]>(131'072);
  const stack_t ours{memory.get(), 0, 131'072};
  stack_t before{};
  ASSERT_EQ(real::sigaltstack(&ours, &before), 0);
  own_alternate_stack = ours;
  const auto in_force = [] {
    stack_t now{};
    real::sigaltstack(nullptr, &now);
    return now.ss_sp;
  };
  stack_t seen{};
  EXPECT_EQ(sigaltstack(nullptr, &seen), 0);
  EXPECT_EQ(seen.ss_flags, SS_DISABLE);
  {
    const AlternateStack alternate;
    EXPECT_NE(in_force(), ours.ss_sp);
  }
  EXPECT_EQ(in_force(), ours.ss_sp);
  own_alternate_stack = {};
  real::sigaltstack(&before, nullptr);
}

}  // namespace
}  // namespace colibri::test
