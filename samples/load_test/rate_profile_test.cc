#include "samples/load_test/rate_profile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace load_test {
namespace {

using namespace std::chrono_literals;

RateProfile profile_of(const std::vector<const char*>& texts, double share = 1) {
  std::vector<Stage> stages;
  stages.reserve(texts.size());
  for (const char* text : texts) stages.push_back(parse_stage(text));
  return RateProfile(stages, share);
}

TEST(StageTest, IsReadAndWritten) {
  for (const char* text :
       {"ramp:0-1000:5s", "hold:1000:10s", "spike:1000-5000:0.5s", "ramp:1000-10.5:60s"}) {
    EXPECT_EQ(parse_stage(text).text(), text);
  }
  EXPECT_EQ(parse_stage("hold:5:250ms").duration, 250ms);
  EXPECT_EQ(parse_stage("hold:5:2m").duration, 2min);
  EXPECT_EQ(parse_stage("hold:5:2").duration, 2s);
}

TEST(StageTest, SaysWhatIsWrong) {
  const std::vector<std::pair<const char*, const char*>> mistakes = {
      {"", "begins with"},         {"jump:1:1s", "begins with"}, {"hold", "one rate"},
      {"hold:1-2:1s", "one rate"}, {"hold:nan:1s", "one rate"},  {"hold:-1:1s", "one rate"},
      {"ramp:1:1s", "two rates"},  {"ramp:1-x:1s", "two rates"}, {"spike:1-1e9:1s", "two rates"},
      {"hold:1", "a time"},        {"hold:1:", "a time"},        {"hold:1:0s", "a time"},
      {"hold:1:inf", "a time"},    {"hold:1:5h", "a time"},      {"hold:1:1s:2s", "a time"},
  };
  for (const auto& [text, said] : mistakes) {
    try {
      parse_stage(text);
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
    }
  }
}

TEST(RateProfileTest, AConstantRateIsEvenForEver) {
  const RateProfile profile(1000);
  EXPECT_EQ(profile.due(0), 0s);
  EXPECT_EQ(profile.due(1), 1ms);
  EXPECT_EQ(profile.due(0.5), 500us);
  EXPECT_EQ(profile.due(3'600'000), 1h);
  EXPECT_DOUBLE_EQ(profile.number_before(10s), 10'000);
  EXPECT_EQ(RateProfile().due(0), RateProfile::kNever);
}

TEST(RateProfileTest, ARampHoldsHalfOfItsMessagesInItsLastPart) {
  const RateProfile profile = profile_of({"ramp:0-1000:2s", "hold:1000:1s"});
  EXPECT_DOUBLE_EQ(profile.number_before(1s), 250);
  EXPECT_DOUBLE_EQ(profile.number_before(2s), 1000);
  EXPECT_DOUBLE_EQ(profile.number_before(3s), 2000);
  EXPECT_DOUBLE_EQ(profile.number_before(9s), 2000);
  EXPECT_EQ(profile.due(0), 0s);
  EXPECT_EQ(profile.due(250), 1s);
  EXPECT_EQ(profile.due(1500), 2500ms);
  EXPECT_EQ(profile.due(2001), RateProfile::kNever);
}

TEST(RateProfileTest, ASpikeRisesAndFalls) {
  const RateProfile profile = profile_of({"spike:100-300:2s"});
  EXPECT_DOUBLE_EQ(profile.number_before(1s), 200);
  EXPECT_DOUBLE_EQ(profile.number_before(2s), 400);
  EXPECT_DOUBLE_EQ(profile.number_before(1500ms), 325);
}

TEST(RateProfileTest, NothingIsDueInAPause) {
  const RateProfile profile = profile_of({"hold:10:1s", "hold:0:5s", "hold:10:1s"});
  EXPECT_DOUBLE_EQ(profile.number_before(5s), 10);
  EXPECT_EQ(profile.due(9), 900ms);
  EXPECT_EQ(profile.due(15), 6500ms);
}

TEST(RateProfileTest, SharesAddUp) {
  const RateProfile whole = profile_of({"ramp:10-1000:3s"});
  const RateProfile part = profile_of({"ramp:10-1000:3s"}, 0.25);
  EXPECT_DOUBLE_EQ(part.number_before(2s) * 4, whole.number_before(2s));
}

TEST(RateProfileTest, DueIsTheInverseOfTheNumber) {
  const RateProfile profile =
      profile_of({"ramp:0-5000:1s", "spike:5000-20000:500ms", "hold:100:1s", "ramp:100-0:2s"});
  auto before = 0ns;
  const double all = profile.number_before(10s);
  for (int step = 0; step * 0.75 < all - 1; ++step) {
    const double number = step * 0.75;
    const auto due = profile.due(number);
    ASSERT_GE(due, before) << number;
    ASSERT_NEAR(profile.number_before(due), number, 1e-3) << number;
    before = due;
  }
}

}  // namespace
}  // namespace load_test
