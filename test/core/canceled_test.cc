#include "colibri/core/canceled.h"

#include <gtest/gtest.h>

#include <string>

namespace colibri {
namespace {

TEST(Canceled, IsASystemErrorOfTheStandardsKind) {
  const Canceled canceled;
  EXPECT_EQ(canceled.code(), std::errc::operation_canceled);
  EXPECT_NE(std::string(canceled.what()).find("the coroutine was cancelled"), std::string::npos);
}

TEST(Canceled, EveryReasonHasItsException) {
  const auto code_of = [](WakeReason reason) {
    try {
      throw_if_failed(reason, "what was done");
    } catch (const std::system_error& error) {
      return error.code();
    }
    return std::error_code();
  };
  EXPECT_FALSE(code_of(WakeReason::kFired));
  EXPECT_FALSE(code_of(WakeReason::kUnsupported));
  EXPECT_EQ(code_of(WakeReason::kCanceled), std::errc::operation_canceled);
  EXPECT_EQ(code_of(WakeReason::kTimeout), std::errc::timed_out);
  EXPECT_EQ(code_of(WakeReason::kLimit), std::errc::timed_out);
  EXPECT_EQ(code_of(WakeReason::kClosed), std::errc::bad_file_descriptor);
  EXPECT_EQ(code_of(WakeReason::kInterrupted), std::errc::interrupted);
}

}  // namespace
}  // namespace colibri
