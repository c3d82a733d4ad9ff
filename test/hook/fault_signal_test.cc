// With the hooks linked, our handler of faults stays in front of one that is installed later.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "colibri/core/run.h"
#include "colibri/core/task.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

volatile bool endless = true;
int sink = 0;

[[gnu::noinline]] int recurse(int depth) {
  if (!endless) return depth;
  volatile char frame[200];
  std::memset(const_cast<char*>(frame), depth, sizeof frame);
  return recurse(depth + 1) + frame[depth % 100];
}

__attribute__((noinline, no_sanitize("address", "undefined"))) int read_nothing() {
  volatile std::uintptr_t nothing = 16;
  return *reinterpret_cast<volatile int*>(nothing);
}

void exit_with_42(int) {
  _exit(42);
}

/// The ways to install a handler.
void by_sigaction(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(SIGSEGV, &action, nullptr);
}
void by_signal(void (*handler)(int)) {
  signal(SIGSEGV, handler);
}

class FaultSignalDeathTest : public testing::TestWithParam<void (*)(void (*)(int))> {
 protected:
  void SetUp() override {
    if (test::in_valgrind()) GTEST_SKIP() << "Valgrind has its own idea of stacks";
  }
};

TEST_P(FaultSignalDeathTest, AHandlerOfLaterIsCalledForOtherFaults) {
  const auto outside = [](auto install) {
    run([&] { install(&exit_with_42); });
    sink = read_nothing();
  };
  const auto inside = [](auto install) {
    run([&] {
      install(&exit_with_42);
      spawn([] { sink = read_nothing(); }).join();
    });
  };
  EXPECT_EXIT(outside(GetParam()), testing::ExitedWithCode(42), "");
  EXPECT_EXIT(inside(GetParam()), testing::ExitedWithCode(42), "");
}

TEST_P(FaultSignalDeathTest, AHandlerOfLaterIsNotCalledForAnOverflow) {
  const auto overflow = [](auto install) {
    run([&] {
      install(&exit_with_42);
      spawn({.stack_bytes = 64 * 1024, .name = "session"}, [] { sink = recurse(0); }).join();
    });
  };
  const auto by_fault = [](int status) { return !WIFEXITED(status) || WEXITSTATUS(status) != 42; };
  EXPECT_EXIT(overflow(GetParam()), by_fault, "'session' .* overflowed its 64 KiB stack");
}

INSTANTIATE_TEST_SUITE_P(Installers, FaultSignalDeathTest,
                         testing::Values(&by_sigaction, &by_signal));

TEST(FaultSignal, TheProgramIsShownWhatItInstalled) {
  run([] {
    struct sigaction original {};
    sigaction(SIGSEGV, nullptr, &original);
    struct sigaction wanted {};
    wanted.sa_handler = &exit_with_42;
    wanted.sa_flags = SA_NODEFER;
    sigaddset(&wanted.sa_mask, SIGUSR2);
    EXPECT_EQ(sigaction(SIGSEGV, &wanted, nullptr), 0);
    struct sigaction shown {};
    EXPECT_EQ(sigaction(SIGSEGV, &original, &shown), 0);
    EXPECT_EQ(shown.sa_handler, &exit_with_42);
    EXPECT_EQ(shown.sa_flags, SA_NODEFER);
    EXPECT_EQ(sigismember(&shown.sa_mask, SIGUSR2), 1);
    sigaction(SIGSEGV, nullptr, &shown);
    EXPECT_EQ(shown.sa_handler, original.sa_handler);
  });
}

TEST(FaultSignal, SignalReturnsTheHandlerOfBefore) {
  run([] {
    struct sigaction original {};
    sigaction(SIGBUS, nullptr, &original);
    EXPECT_EQ(signal(SIGBUS, &exit_with_42), original.sa_handler);
    EXPECT_EQ(signal(SIGBUS, SIG_DFL), &exit_with_42);
    sigaction(SIGBUS, &original, nullptr);
  });
}

}  // namespace
}  // namespace colibri
