#include "colibri/core/stack_choice.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace colibri {
namespace {

struct Case {
  const char* text;
  unsigned shared_count;
  std::size_t bytes;
};

TEST(StackChoice, ReadsWhatPeopleWrite) {
  constexpr Case kCases[] = {
      {"private", 0, kDefaultStackBytes}, {"private:64k", 0, 64 * 1024},
      {"private:1m", 0, 1024 * 1024},     {"private:65536", 0, 65536},
      {"shared", 8, kDefaultStackBytes},  {"shared:3", 3, kDefaultStackBytes},
      {"shared:4x128k", 4, 128 * 1024},   {"shared:1x2m", 1, 2 * 1024 * 1024},
  };
  for (const Case& each : kCases) {
    const StackChoice choice = StackChoice::parse(each.text);
    EXPECT_EQ(choice.shared_count, each.shared_count) << each.text;
    EXPECT_EQ(choice.bytes, each.bytes) << each.text;
    EXPECT_EQ(choice.is_shared(), each.shared_count != 0) << each.text;
  }
}

TEST(StackChoice, RefusesTheRestAndQuotesIt) {
  for (const char* text : {"", "Shared", "shared:", "shared:0", "shared:x64k", "shared:4x", "4x64k",
                           "shared:4x64q", "private:", "private:64kb", "private:-1", "shared:-1",
                           "private:99999999999999999999", "private:18014398509481984k"}) {
    try {
      StackChoice::parse(text);
      ADD_FAILURE() << '"' << text << "\" was understood";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find('"' + std::string(text) + '"'), std::string::npos)
          << error.what();
    }
  }
}

TEST(StackChoice, TheEnvironmentDecidesWhereNobodyElseDoes) {
  unsetenv("COLIBRI_STACK");
  EXPECT_FALSE(StackChoice::from_environment().is_shared());
  setenv("COLIBRI_STACK", "", 1);
  EXPECT_FALSE(StackChoice::from_environment().is_shared());
  setenv("COLIBRI_STACK", "shared:2x64k", 1);
  EXPECT_EQ(StackChoice::from_environment().shared_count, 2U);
  setenv("COLIBRI_STACK", "nonsense", 1);
  EXPECT_THROW(StackChoice::from_environment(), std::invalid_argument);
}

}  // namespace
}  // namespace colibri
