#include "colibri/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "colibri/core/bypass.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::stderr_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

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
