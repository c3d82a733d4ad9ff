#include "colibri/core/deadline.h"

#include <gtest/gtest.h>

#include <limits>

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(Deadline, IsNeverByDefault) {
  EXPECT_TRUE(Deadline().is_never());
  EXPECT_TRUE(Deadline::never().is_never());
  EXPECT_FALSE(Deadline().has_passed());
  EXPECT_EQ(Deadline(), Deadline::never());
}

TEST(Deadline, AfterASpanLiesThatFarAhead) {
  const std::int64_t before = monotonic_now();
  const Deadline deadline = Deadline::after(seconds(100));
  const std::int64_t after = monotonic_now();
  EXPECT_GE(deadline.nanoseconds(), before + 100'000'000'000);
  EXPECT_LE(deadline.nanoseconds(), after + 100'000'000'000);
  EXPECT_FALSE(deadline.has_passed());
  EXPECT_FALSE(deadline.is_never());
}

TEST(Deadline, AfterNothingOrLessHasPassedAtOnce) {
  EXPECT_TRUE(Deadline::after(nanoseconds(0)).has_passed());
  EXPECT_TRUE(Deadline::after(nanoseconds(-5)).has_passed());
  EXPECT_TRUE(Deadline::after(nanoseconds::min()).has_passed());
}

TEST(Deadline, BeyondTheClocksRangeIsNever) {
  EXPECT_TRUE(Deadline::after(nanoseconds::max()).is_never());
  EXPECT_TRUE(Deadline::after(nanoseconds::max() - hours(1)).is_never() ||
              !Deadline::after(nanoseconds::max() - hours(1)).has_passed());
}

TEST(Deadline, AtAPointOfTheSteadyClock) {
  const steady_clock::time_point now = steady_clock::now();
  EXPECT_TRUE(Deadline::at(now).has_passed());
  EXPECT_FALSE(Deadline::at(now + hours(1)).has_passed());
  EXPECT_EQ(Deadline::at(now).nanoseconds(), now.time_since_epoch().count());
}

TEST(Deadline, EarlierIsLessAndNeverIsLast) {
  const Deadline soon = Deadline::at_nanoseconds(1);
  const Deadline later = Deadline::at_nanoseconds(2);
  EXPECT_LT(soon, later);
  EXPECT_LT(later, Deadline::never());
  EXPECT_EQ(soon, Deadline::at_nanoseconds(1));
}

TEST(TimeLimitDeathTest, OutsideACoroutineIsRefused) {
  EXPECT_DEATH(const TimeLimit limit(seconds(1)),
               "TimeLimit made outside a coroutine; wrap main in colibri::run\\(\\)");
}

}  // namespace
}  // namespace colibri
