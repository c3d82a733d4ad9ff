// The deadlock of the textbooks, among mutexes of the standard library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <mutex>

#include "colibri/core/inspect/deadlock.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri {
namespace {

using testing::ContainsRegex;
using testing::ExitedWithCode;

void lock_in_order(std::mutex& first, std::mutex& second) {
  const std::lock_guard outer(first);
  yield();
  const std::lock_guard inner(second);
}

TEST(HookedDeadlock, TheReportNamesWhoHoldsWhichMutex) {
  const auto deadlock = [] {
    static std::mutex left;
    static std::mutex right;
    alarm(10);  // ends what is no deadlock
    run([] {
      Task<void> there = spawn({.name = "there"}, [] { lock_in_order(left, right); });
      Task<void> back = spawn({.name = "back"}, [] { lock_in_order(right, left); });
      there.join();
      back.join();
    });
    _exit(3);
  };
  EXPECT_EXIT(deadlock(), ExitedWithCode(2),
              ContainsRegex("#[0-9]+ 'there' waits for pthread mutex at 0x[0-9a-f]+ held by "
                            "#[0-9]+ 'back'\n#[0-9]+ 'back' waits for pthread mutex at "
                            "0x[0-9a-f]+ held by #[0-9]+ 'there'\nwhich is a cycle, back to "
                            "#[0-9]+ 'there'"));
}

}  // namespace
}  // namespace colibri
