// errno belongs to the coroutine.
#include <gtest/gtest.h>

#include <cerrno>

#include "colibri/core/coroutine.h"
#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::run_in_scheduler;

/// Sets errno to ever new values as long as it lives.
void spoil_errno(const bool& stop) {
  int value = 0;
  while (!stop) {
    value = value % 100 + 1;
    errno = value;
    yield();
  }
}

template <class Wait>
void expect_errno_kept_over(Wait wait) {
  run_in_scheduler([&] {
    bool stop = false;
    auto spoiler = spawn([&] { spoil_errno(stop); });
    errno = ENOTEMPTY;
    wait();
    EXPECT_EQ(errno, ENOTEMPTY);
    stop = true;
  });
}

TEST(Errno, IsKeptOverYield) {
  expect_errno_kept_over([] {
    yield();
    yield();
  });
}

TEST(Errno, IsKeptOverSleep) {
  expect_errno_kept_over([] { sleep_for(milliseconds(2)); });
}

TEST(Errno, IsKeptOverPark) {
  expect_errno_kept_over([] {
    Parker parker;
    go([unparker = parker.unparker()] {
      errno = EDOM;
      unparker.unpark();
    });
    parker.park();
  });
}

TEST(Errno, IsKeptOverJoin) {
  expect_errno_kept_over([] {
    auto task = spawn([] { errno = EDOM; });
    task.join();
  });
}

TEST(Errno, IsKeptOverResumeAndYieldOfCoroutines) {
  Coroutine coroutine([] {
    errno = ERANGE;
    Coroutine::yield();
    EXPECT_EQ(errno, ERANGE);
    errno = EDOM;
  });
  errno = ENOTEMPTY;
  coroutine.resume();
  EXPECT_EQ(errno, ENOTEMPTY);
  coroutine.resume();
  EXPECT_EQ(errno, ENOTEMPTY);
}

}  // namespace
}  // namespace colibri
