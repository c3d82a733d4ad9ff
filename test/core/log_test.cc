#include "colibri/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "colibri/core/bypass.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::stderr_of;
using testing::AllOf;
using testing::ExitedWithCode;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Log, WritesToStandardError) {
  const std::string text = stderr_of([] { log(LogLevel::kError, "it broke: {}"); });
  EXPECT_THAT(text, AllOf(HasSubstr("[colibri]"), HasSubstr("[error] it broke: {}")));
}

TEST(Log, NamesTheLevel) {
  EXPECT_THAT(stderr_of([] { log(LogLevel::kWarning, "careful"); }),
              HasSubstr("[warning] careful"));
  EXPECT_THAT(stderr_of([] { log(LogLevel::kInfo, "hello"); }), HasSubstr("[info] hello"));
}

TEST(Log, KeepsDebugMessagesToItselfUnlessAskedFor) {
  EXPECT_THAT(stderr_of([] { log(LogLevel::kDebug, "details"); }), IsEmpty());
}

/// The environment is looked at with a process's first message.
[[noreturn]] void log_under(const char* levels) {
  setenv("SPDLOG_LEVEL", levels, 1);
  log(LogLevel::kDebug, "details");
  log(LogLevel::kWarning, "careful");
  log(LogLevel::kError, "it broke");
  _exit(0);
}

TEST(LogDeathTest, ShowsWhatTheEnvironmentAsksFor) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a process anew
  EXPECT_EXIT(log_under("colibri=debug"), ExitedWithCode(0),
              AllOf(HasSubstr("[debug] details"), HasSubstr("[warning] careful")));
  EXPECT_EXIT(log_under("error"), ExitedWithCode(0),
              AllOf(Not(HasSubstr("careful")), HasSubstr("[error] it broke")));
  EXPECT_EXIT(log_under("debug,colibri=off"), ExitedWithCode(0), IsEmpty());
}

TEST(Log, WorksInACoroutine) {
  const std::string text =
      stderr_of([] { test::run_in_scheduler([] { log(LogLevel::kError, "from inside"); }); });
  EXPECT_THAT(text, HasSubstr("from inside"));
}

TEST(Bypass, CountsItsScopesInTheCurrentCoroutine) {
  test::run_in_scheduler([] {
    const ControlBlock& self = *thread_state.current;
    EXPECT_EQ(self.bypass_depth, 0U);
    {
      const Bypass outer;
      const Bypass inner;
      EXPECT_EQ(self.bypass_depth, 2U);
    }
    EXPECT_EQ(self.bypass_depth, 0U);
  });
  const Bypass outside;  // no effect, and no harm
}

}  // namespace
}  // namespace colibri
