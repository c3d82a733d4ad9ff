#include "colibri/core/check.h"

#include <gtest/gtest.h>

#include "colibri/core/run.h"

namespace colibri {
namespace {

TEST(Check, LetsWhatHoldsPass) {
  check(true, "this sentence is never seen");
}

TEST(CheckDeathTest, SaysItsSentenceAndAborts) {
  EXPECT_EXIT(check(false, "something is wrong; do this instead"), testing::KilledBySignal(SIGABRT),
              "^colibri: something is wrong; do this instead\n$");
}

TEST(CheckDeathTest, PutsPartsTogether) {
  EXPECT_DEATH(fail("read", " called on descriptor ", "7"),
               "^colibri: read called on descriptor 7\n$");
}

TEST(CheckDeathTest, WorksOnACoroutinesStack) {
  EXPECT_DEATH(run([] { check(false, "in a coroutine"); }), "^colibri: in a coroutine\n$");
}

}  // namespace
}  // namespace colibri
