// The doctor inside a program that links the hooks.
#include "colibri/hook/report.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "colibri/hook/hooked_names.h"
#include "colibri/hook/raw_system_calls.h"

namespace colibri::hook {
namespace {

const char* const kLibrary = "test/hook/libcalls_read.so";

/// What is said of the library, opened with `flags`.
ObjectReport report_on_library(int flags) {
  void* const library = dlopen(kLibrary, flags);
  EXPECT_NE(library, nullptr) << dlerror();
  const Report all = report();
  ObjectReport found;
  for (const ObjectReport& each : all.objects) {
    if (each.path.ends_with("libcalls_read.so")) found = each;
  }
  if (library != nullptr) dlclose(library);
  return found;
}

TEST(Report, NamesWhatALibraryCallsThroughTheHooks) {
  for (const int flags : {RTLD_NOW, RTLD_LAZY}) {
    const ObjectReport found = report_on_library(flags);
    EXPECT_EQ(found.hooked, std::vector<std::string>{"read"});
    EXPECT_TRUE(found.escaped.empty());
  }
}

TEST(Report, ALibraryThatIsBoundToItsOwnEscapes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers refuse RTLD_DEEPBIND";
#endif
  const ObjectReport found = report_on_library(RTLD_NOW | RTLD_DEEPBIND);
  ASSERT_EQ(found.escaped.size(), 1U);
  EXPECT_EQ(found.escaped[0].name, "read");
  EXPECT_EQ(found.escaped[0].reason, Escape::kDeepBound);
  EXPECT_NE(found.escaped[0].target.find("libc.so"), std::string::npos);
  const Report whole{{found}};
  EXPECT_FALSE(whole.complete());
  EXPECT_NE(whole.text().find("ESCAPE read"), std::string::npos);
  EXPECT_NE(whole.text().find("without RTLD_DEEPBIND"), std::string::npos);
}

TEST(Report, EachReasonHasItsRemedy) {
  for (const auto& [reason, remedy] :
       std::array{std::pair{Escape::kHidden, "--exclude-libs"}, std::pair{Escape::kBehind, "-lc"},
                  std::pair{Escape::kOwn, "shared libc"}}) {
    const Report whole{{{"a.so", {}, {{"poll", reason, "b.so"}}, {}}}};
    EXPECT_NE(whole.text().find("a.so"), std::string::npos);
    EXPECT_NE(whole.text().find("to b.so"), std::string::npos);
    EXPECT_NE(whole.text().find(remedy), std::string::npos) << whole.text();
  }
}

TEST(Report, NamesTheStdioThatBlocks) {
  ASSERT_NE(stdin, nullptr);  // this is what it is to find
  bool found = false;
  const Report all = report();
  for (const ObjectReport& each : all.objects) {
    const auto& names = each.blocking_stdio;
    EXPECT_EQ(std::count(names.begin(), names.end(), "fopen"), 0);
    if (!each.path.ends_with("report_test")) continue;
    found = std::count(names.begin(), names.end(), "stdin") == 1;
  }
  EXPECT_TRUE(found) << all.text();
  EXPECT_NE(all.text().find("stdio that blocks its thread:"), std::string::npos);
}

TEST(Report, KnowsWhatIsHooked) {
  EXPECT_TRUE(is_hooked("read"));
  EXPECT_TRUE(is_hooked("epoll_wait"));
  EXPECT_FALSE(is_hooked("readlink"));
  EXPECT_TRUE(std::is_sorted(std::begin(kHookedNames), std::end(kHookedNames)));
}

#if defined(__x86_64__)
TEST(RawSystemCalls, AreSeenByTheirInstructions) {
  // xor %edi,%edi; mov $7,%eax; xor %edx,%edx; syscall; and getpid, which never blocks.
  const std::array<std::uint8_t, 20> code{0x31, 0xff, 0xb8, 0x07, 0, 0, 0,    0x31, 0xd2, 0x0f,
                                          0x05, 0xb8, 0x27, 0,    0, 0, 0x0f, 0x05, 0xc3, 0x90};
  EXPECT_EQ(find_raw_system_calls(code), std::vector<int>{7});
  EXPECT_STREQ(name_of_system_call(7), "poll");
}

TEST(RawSystemCalls, ANumberWithoutACallIsNone) {
  const std::array<std::uint8_t, 8> code{0xb8, 0x07, 0, 0, 0, 0xc3, 0x90, 0xb8};
  EXPECT_TRUE(find_raw_system_calls(code).empty());
}
#endif

}  // namespace
}  // namespace colibri::hook
