// The overflow of a coroutine's stack is said in words; other faults stay what they were.
#include "colibri/core/stack_overflow.h"

#include <alloca.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/fault_signals.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

volatile bool endless = true;

/// Uses some stack, a small frame at a time, for as long as there is any.
[[gnu::noinline]] int recurse(int depth) {
  if (!endless) return depth;
  volatile char frame[200];
  std::memset(const_cast<char*>(frame), depth, sizeof frame);
  return recurse(depth + 1) + frame[depth % 100];
}

/// One frame of `bytes`.
template <std::size_t bytes>
[[gnu::noinline]] int use_large_frame() {
  volatile char frame[bytes];
  frame[0] = 1;
  frame[bytes - 1] = 2;
  return frame[0] + frame[bytes - 1];
}

[[gnu::noinline]] int use_alloca(std::size_t bytes) {
  auto* memory = static_cast<volatile char*>(alloca(bytes));
  memory[0] = 1;
  memory[bytes - 1] = 2;
  return memory[0] + memory[bytes - 1];
}

/// Reads from an address that nothing lies at, as a null pointer with an offset.
__attribute__((noinline, no_sanitize("address", "undefined"))) int read_nothing() {
  volatile std::uintptr_t nothing = 16;
  return *reinterpret_cast<volatile int*>(nothing);
}

int sink = 0;

/// Runs `body` as a coroutine beside main's.
template <class Body>
void run_in_session(Body body, std::size_t stack_bytes = 64 * 1024) {
  run([&] { spawn({.stack_bytes = stack_bytes, .name = "session"}, body).join(); });
}

/// Sanitizers end the process in their own way.
bool ended_by_fault(int status) {
  if (kAddressSanitizer || kThreadSanitizer) return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  return WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
}

class StackOverflowDeathTest : public testing::Test {
 protected:
  void SetUp() override {
    if (test::in_valgrind()) GTEST_SKIP() << "Valgrind has its own idea of stacks";
  }
};

constexpr char kReport[] =
    "colibri: coroutine [0-9]+ 'session' spawned at .*stack_overflow_test.cc:[0-9]+ overflowed its "
    "64 KiB stack; spawn it with a stack of 128 KiB or more\n";

TEST_F(StackOverflowDeathTest, Recursion) {
  EXPECT_EXIT(run_in_session([] { sink = recurse(0); }), ended_by_fault, kReport);
}

TEST_F(StackOverflowDeathTest, ShowsWhereItHappenedAndWhoBegan) {
  if (kThreadSanitizer) GTEST_SKIP() << "it reports that the unwinder takes memory";
  EXPECT_EXIT(run_in_session([] { sink = recurse(0); }), ended_by_fault,
              "  #0 0x[0-9a-f]+ .*\n(.*\n)*.*more ...\n(.*\n)*.*colibri::coroutine_entry.*\n");
}

TEST_F(StackOverflowDeathTest, OneLargeFrame) {
  EXPECT_EXIT(run_in_session([] { sink = use_large_frame<1024 * 1024>(); }), ended_by_fault,
              kReport);
}

TEST_F(StackOverflowDeathTest, Alloca) {
  EXPECT_EXIT(run_in_session([] { sink = use_alloca(300'000); }), ended_by_fault, kReport);
}

TEST_F(StackOverflowDeathTest, InMainsCoroutine) {
  EXPECT_EXIT(run([] { sink = recurse(0); }), ended_by_fault,
              "'main' spawned at .*stack_overflow_test.cc:[0-9]+ overflowed its 1 MiB stack; set "
              "RunOptions::main_stack_bytes to 2 MiB or more\n");
}

TEST_F(StackOverflowDeathTest, OfTheLargestStack) {
  if (kThreadSanitizer) GTEST_SKIP() << "it follows no calls so deep";
  EXPECT_EXIT(run_in_session([] { sink = recurse(0); }, kLargestStackBytes), ended_by_fault,
              "overflowed its 64 MiB stack; there are no larger ones: put less on it\n");
}

TEST_F(StackOverflowDeathTest, InANestedCoroutine) {
  const auto nest = [] {
    Coroutine inner([] { sink = recurse(0); },
                    SpawnOptions{.stack_bytes = 128 * 1024, .name = "inner"});
    inner.resume();
  };
  EXPECT_EXIT(run_in_session(nest), ended_by_fault, "'inner' .* overflowed its 128 KiB stack");
}

TEST_F(StackOverflowDeathTest, InACoroutineWithoutScheduler) {
  const auto overflow = [] {
    Coroutine alone([] { sink = recurse(0); },
                    SpawnOptions{.stack_bytes = 128 * 1024, .name = "alone"});
    alone.resume();
  };
  EXPECT_EXIT(overflow(), ended_by_fault, "'alone' .* overflowed its 128 KiB stack");
}

TEST_F(StackOverflowDeathTest, OnAnotherThread) {
  const auto overflow = [] {
    std::thread([] { run_in_session([] { sink = recurse(0); }); }).join();
  };
  EXPECT_EXIT(overflow(), ended_by_fault, kReport);
}

TEST_F(StackOverflowDeathTest, WhenNobodyReadsTheReportTheProcessEndsAllTheSame) {
  const auto overflow = [] {
    int ends[2];
    if (pipe(ends) != 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0) _exit(3);
    while (write(ends[1], ends, 1) == 1) {
    }
    if (fcntl(ends[1], F_SETFL, 0) != 0 || dup2(ends[1], 2) != 2) _exit(4);
    run_in_session([] { sink = recurse(0); });
  };
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "they report by themselves";
  EXPECT_EXIT(overflow(), ended_by_fault, "");
}

TEST_F(StackOverflowDeathTest, AmongManyNamesTheRightOne) {
  const auto overflow = [] {
    run([] {
      for (int i = 0; i < 50; ++i) {
        go({.stack_bytes = 64 * 1024, .name = "other"}, [] { sleep_for(std::chrono::hours(1)); });
      }
      go({.stack_bytes = 64 * 1024, .name = "session"}, [] { sink = recurse(0); });
      for (int i = 0; i < 50; ++i) {
        go({.stack_bytes = 64 * 1024, .name = "other"}, [] { sleep_for(std::chrono::hours(1)); });
      }
      sleep_for(std::chrono::hours(1));
    });
  };
  EXPECT_EXIT(overflow(), ended_by_fault, kReport);
}

/// Yields at every depth, so that the overflow may come in the midst of a switch.
[[gnu::noinline]] int recurse_and_yield(int depth, std::size_t bytes) {
  auto* memory = static_cast<volatile char*>(alloca(bytes));
  memory[0] = 1;
  if (!endless) return depth;
  yield();
  return recurse_and_yield(depth + 1, bytes) + memory[0];
}

TEST_F(StackOverflowDeathTest, InTheMidstOfASwitch) {
  // Frames of every size: some switch has no room left for its registers.
  for (std::size_t bytes = 16; bytes <= 512; bytes += 16) {
    EXPECT_EXIT(run_in_session([bytes] { sink = recurse_and_yield(0, bytes); }), ended_by_fault,
                "overflowed its 64 KiB stack");
  }
}

TEST_F(StackOverflowDeathTest, ASmallAlternateStackOfTheProgramsSuffices) {
  const auto overflow = [] {
    static char memory[64 * 1024];
    stack_t small{};
    small.ss_sp = memory;
    small.ss_size = getauxval(51) + 2048;  // AT_MINSIGSTKSZ
    sigaltstack(&small, nullptr);
    run_in_session([] {
      stack_t present{};
      sigaltstack(nullptr, &present);
      if (present.ss_sp != memory) _exit(3);
      sink = recurse(0);
    });
  };
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "their handlers need more";
  EXPECT_EXIT(overflow(), ended_by_fault, kReport);
}

/// Goes down to `room` bytes above the lowest one, and sends a signal.
[[gnu::noinline]] void send_with_room(std::uintptr_t room) {
  pthread_kill(pthread_self(), 0);  // the first call needs more room, to be bound
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const auto low = reinterpret_cast<std::uintptr_t>(stack_of(*thread_state.current).low);
  auto* memory = static_cast<volatile char*>(alloca(here - low - room));
  memory[0] = 1;
  pthread_kill(pthread_self(), SIGUSR1);
  memory[0] = 2;
}

TEST_F(StackOverflowDeathTest, ASignalThatFindsNoRoomForItsFrame) {
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "their pthread_kill needs more room";
  const auto overflow = [] {
    signal(SIGUSR1, [](int) {});
    run_in_session([] { send_with_room(2'500); });
  };
  EXPECT_EXIT(overflow(), ended_by_fault,
              "'session' .* had no room for a signal handler's frame on its 64 KiB stack; install "
              "the handler with SA_ONSTACK, or spawn it with a stack of 128 KiB or more\n");
  const auto enough = [] {
    signal(SIGUSR1, [](int) {});
    run_in_session([] { send_with_room(30'000); });
    _exit(0);
  };
  EXPECT_EXIT(enough(), testing::ExitedWithCode(0), "");
}

// Faults that are not ours ------------------------------------------------------------------------

std::string silent_about_stacks() {
  // Nothing of ours on standard error. Sanitizers report there.
  return kAddressSanitizer || kThreadSanitizer ? "" : "^$";
}

TEST_F(StackOverflowDeathTest, ANullPointerOutsideACoroutineEndsTheProcessAsEver) {
  const auto fault = [] {
    run([] {});
    sink = read_nothing();
  };
  EXPECT_EXIT(fault(), ended_by_fault, silent_about_stacks());
}

TEST_F(StackOverflowDeathTest, ANullPointerInACoroutineEndsTheProcessAsEver) {
  EXPECT_EXIT(run_in_session([] { sink = read_nothing(); }), ended_by_fault, silent_about_stacks());
}

TEST_F(StackOverflowDeathTest, AWildPointerIntoAGuardIsNoOverflow) {
  const auto fault = [] {
    std::byte* low = stack_of(*thread_state.current).low;
    *reinterpret_cast<volatile std::byte*>(low - 8) = std::byte{1};
  };
  EXPECT_EXIT(run_in_session(fault), ended_by_fault, silent_about_stacks());
}

TEST_F(StackOverflowDeathTest, AMalformedAddressAtTheEndOfTheStackIsNoOverflow) {
  const auto fault = [] {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const auto low = reinterpret_cast<std::uintptr_t>(stack_of(*thread_state.current).low);
    auto* memory = static_cast<volatile char*>(alloca(here - low - 2'500));
    memory[0] = 1;
    sink = *reinterpret_cast<volatile int*>(std::uintptr_t{0x5a5a'5a5a'5a5a'5a5a});
  };
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "their checks need more room";
  EXPECT_EXIT(run_in_session(fault), ended_by_fault, silent_about_stacks());
}

TEST_F(StackOverflowDeathTest, ASignalThatSomebodySendsEndsTheProcessAsEver) {
  EXPECT_EXIT(run_in_session([] { raise(SIGSEGV); }), ended_by_fault, silent_about_stacks());
  EXPECT_EXIT(run_in_session([] { raise(SIGBUS); }), ended_by_fault, silent_about_stacks());
}

volatile sig_atomic_t forwarded = 0;
sigjmp_buf recovery;

void note_and_exit(int signal) {
  _exit(signal == SIGSEGV ? 42 : 43);
}

void install(int signal, void (*handler)(int), int flags = 0) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(signal, &action, nullptr);
}

TEST_F(StackOverflowDeathTest, AHandlerOfBeforeIsCalledForOtherFaults) {
  const auto fault = [](auto body) {
    install(SIGSEGV, &note_and_exit);
    install(SIGBUS, &note_and_exit);
    run_in_session(body);
    _exit(1);
  };
  EXPECT_EXIT(fault([] { sink = read_nothing(); }), testing::ExitedWithCode(42), "");
  EXPECT_EXIT(fault([] { raise(SIGSEGV); }), testing::ExitedWithCode(42), "");
  EXPECT_EXIT(fault([] { raise(SIGBUS); }), testing::ExitedWithCode(43), "");
}

TEST_F(StackOverflowDeathTest, AHandlerOfBeforeIsNotCalledForAnOverflow) {
  const auto overflow = [] {
    install(SIGSEGV, &note_and_exit);
    install(SIGBUS, &note_and_exit);
    run_in_session([] { sink = recurse(0); });
  };
  EXPECT_EXIT(overflow(), ended_by_fault, kReport);
}

TEST_F(StackOverflowDeathTest, AHandlerMayJumpOutOfAFaultAgainAndAgain) {
  const auto recover = [] {
    install(SIGSEGV, [](int) {
      forwarded = forwarded + 1;
      siglongjmp(recovery, 1);
    });
    run_in_session([] {
      while (forwarded != 3) {
        if (sigsetjmp(recovery, 1) == 0) sink = read_nothing();
        yield();
      }
    });
    _exit(forwarded == 3 ? 0 : 1);
  };
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "they do not know of such jumps";
  EXPECT_EXIT(recover(), testing::ExitedWithCode(0), "");
}

TEST_F(StackOverflowDeathTest, TheFlagsOfAHandlerOfBeforeAreKept) {
  const auto fault_twice = [] {
    static struct sigaction action {};
    action.sa_flags = SA_SIGINFO | static_cast<int>(SA_RESETHAND) | SA_NODEFER;
    sigaddset(&action.sa_mask, SIGUSR1);
    action.sa_sigaction = [](int signal, siginfo_t* info, void*) {
      sigset_t mask;
      sigprocmask(SIG_BLOCK, nullptr, &mask);
      if (sigismember(&mask, SIGUSR1) == 0 || sigismember(&mask, signal) != 0) _exit(3);
      if (info->si_pid != getpid()) _exit(4);
      if (forwarded != 0) _exit(5);  // SA_RESETHAND: no second time
      forwarded = 1;
    };
    sigaction(SIGSEGV, &action, nullptr);
    run_in_session([] {
      kill(getpid(), SIGSEGV);
      sigset_t mask;
      sigprocmask(SIG_BLOCK, nullptr, &mask);
      if (sigismember(&mask, SIGUSR1) != 0) _exit(6);
      if (forwarded != 1) _exit(7);
      kill(getpid(), SIGSEGV);
    });
  };
  EXPECT_EXIT(fault_twice(), ended_by_fault, "");
}

TEST_F(StackOverflowDeathTest, WhatWasIgnoredStaysIgnored) {
  const auto ignore = [] {
    install(SIGSEGV, SIG_IGN);
    run_in_session([] { raise(SIGSEGV); });
    _exit(7);
  };
  EXPECT_EXIT(ignore(), testing::ExitedWithCode(7), "");
  const auto fault = [] {
    install(SIGSEGV, SIG_IGN);
    run_in_session([] { sink = read_nothing(); });
  };
  EXPECT_EXIT(fault(), ended_by_fault, "");
}

TEST(AlternateStack, GoesWithItsThread) {
  const auto count = [] {
    std::size_t lines = 0;
    if (FILE* maps = std::fopen("/proc/self/maps", "r")) {
      for (int c; (c = std::fgetc(maps)) != EOF;) lines += c == '\n' ? 1 : 0;
      std::fclose(maps);
    }
    return lines;
  };
  const auto use = [] { std::thread([] { run([] {}); }).join(); };
  for (int i = 0; i < 10; ++i) use();
  const std::size_t before = count();
  for (int i = 0; i < 50; ++i) use();
  EXPECT_LT(count(), before + 25) << "each thread leaves mappings behind";
}

}  // namespace
}  // namespace colibri
