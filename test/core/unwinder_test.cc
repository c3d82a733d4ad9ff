// What the unwinder must not do: hold descriptors, have children that the program hears of, and
// fall over a broken stack. The first capture of the process happens here, and nowhere earlier.
#include "colibri/core/unwinder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "colibri/core/backtrace.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/libc.h"
#include "test/support/leak_check.h"

namespace colibri {
namespace {

volatile sig_atomic_t child_signals = 0;

TEST(Unwinder, ItsFirstUseLeavesNoDescriptorAndNoChild) {
  const test::DescriptorLeakCheck leaks;
  struct sigaction counting {};
  counting.sa_handler = [](int) { child_signals = child_signals + 1; };
  ASSERT_EQ(real::sigaction(SIGCHLD, &counting, nullptr), 0);
  EXPECT_FALSE(capture_backtrace().empty());
  EXPECT_EQ(child_signals, 0);
  EXPECT_EQ(wait(nullptr), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Unwinder, LaterUsesOpenNothingEither) {
  const test::DescriptorLeakCheck leaks;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(capture_backtrace().empty());
}

TEST(Unwinder, KeepsErrno) {
  errno = ENOTTY;
  prepare_unwinder();
  EXPECT_EQ(errno, ENOTTY);
}

/// Two pages, of which the second cannot be read.
class PageBeforeTheEnd {
 public:
  PageBeforeTheEnd()
      : low_(static_cast<std::byte*>(mmap(nullptr, 2 * kPageBytes, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    mprotect(end(), kPageBytes, PROT_NONE);
  }
  ~PageBeforeTheEnd() { munmap(low_, 2 * kPageBytes); }
  PageBeforeTheEnd(const PageBeforeTheEnd&) = delete;
  PageBeforeTheEnd& operator=(const PageBeforeTheEnd&) = delete;
  std::byte* end() const { return low_ + kPageBytes; }

 private:
  static constexpr std::size_t kPageBytes = 4096;
  std::byte* low_;
};

TEST(Unwinder, AStackThatCannotBeReadEndsTheWalk) {
  const ControlBlock* suspended = nullptr;
  Coroutine coroutine([&] {
    suspended = thread_state.current;
    Coroutine::yield();
  });
  coroutine.resume();
  ASSERT_GT(capture_backtrace(*suspended).size(), 1U);

  // The same flow, but with nothing behind its saved registers.
  const PageBeforeTheEnd page;
  const auto bytes = saved_registers(suspended->stack_pointer).stack_pointer -
                     reinterpret_cast<std::uintptr_t>(suspended->stack_pointer);
  ControlBlock broken;
  broken.stack_pointer = page.end() - bytes;
  std::memcpy(broken.stack_pointer, suspended->stack_pointer, bytes);
  EXPECT_EQ(capture_backtrace(broken).size(), 1U);
  coroutine.resume();
}

}  // namespace
}  // namespace colibri
