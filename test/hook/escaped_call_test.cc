// The watchdog names the calls that go past the hooks: who made them, in which library, on what.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "colibri/core/inspect/watchdog.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/awaited_report.h"

namespace colibri {
namespace {

using test::AwaitedReport;
using testing::HasSubstr;

/// A function of the library.
template <class Function>
Function* escaping(const char* name) {
  static void* const library =
      dlopen("test/hook/libescaping_calls.so", RTLD_NOW | RTLD_DEEPBIND | RTLD_NODELETE);
  EXPECT_NE(library, nullptr) << dlerror();
  return reinterpret_cast<Function*>(dlsym(library, name));
}

/// Calls `call` in a coroutine, which the watchdog watches.
template <class Call>
void run_watched(Call call) {
  run([&] {
    start_watchdog({.limit = std::chrono::milliseconds(10)});
    spawn({.name = "caller"}, call).join();
  });
  stop_watchdog();
}

/// What is reported of a coroutine that calls the function on the reading end of a pipe, which is
/// closed at the other end when the report is there; `{fd}` stands for its number.
std::string report_on(const char* name, std::string& expected) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  AwaitedReport report("\n  #");
  report.closes(ends[1]);
  auto* const call = escaping<long(int)>(name);
  run_watched([&] { call(ends[0]); });
  close(ends[0]);
  const std::size_t place = expected.find("{fd}");
  expected.replace(place, 4, std::to_string(ends[0]));
  return report.text();
}

TEST(EscapedCall, IsNamedWithItsLibraryAndDescriptor) {
  struct Case {
    const char* function;
    std::string call;
  };
  Case cases[] = {
    {"escaping_read", "it sits in the system call read({fd}, pipe:["},
    {"escaping_raw_read", "it sits in the system call read({fd}, pipe:["},
#if defined(__x86_64__)
    {"escaping_poll", "it sits in the system call poll of 1 descriptor: {fd}, pipe:["},
#else
    {"escaping_poll", "it sits in the system call ppoll of 1 descriptor: {fd}, pipe:["},
#endif
  };
  for (Case& each : cases) {
    const std::string text = report_on(each.function, each.call);
    EXPECT_THAT(text, HasSubstr("'caller' spawned at test/hook/escaped_call_test.cc:"));
    EXPECT_THAT(text, HasSubstr(each.call));
    EXPECT_THAT(text, HasSubstr(std::string("; in ") + each.function + " in libescaping_calls.so"));
    const auto sites = stall_sites();
    ASSERT_EQ(sites.size(), 1U);
    EXPECT_THAT(sites[0].place, HasSubstr(each.function));
    EXPECT_EQ(sites[0].count, 1U);
  }
}

TEST(EscapedCall, ALoopIsNamedWithItsLibrary) {
  const AwaitedReport report("\n  #");
  auto* const spin = escaping<long(const std::atomic<bool>*)>("escaping_spin");
  run_watched([&] { spin(&report.is_there()); });
  EXPECT_THAT(report.text(), HasSubstr("it computes; in escaping_spin in libescaping_calls.so"));
}

const std::atomic<bool>* lock_was_reported;

/// Called with the library's lock held.
void sleep_until_reported() {
  while (!*lock_was_reported) sleep_for(std::chrono::milliseconds(1));
}

TEST(EscapedCall, ALockHeldOverAWaitIsReportedWithBothStacks) {
  const AwaitedReport report("'holder' spawned at");
  lock_was_reported = &report.is_there();
  auto* const hold = escaping<void(void (*)())>("escaping_hold");
  auto* const lock = escaping<int(int)>("escaping_lock");
  run_watched([&] {
    auto holder = spawn({.name = "holder"}, [&] { hold(&sleep_until_reported); });
    yield();
    for (int i = 0; i < 300 && !report.is_there(); ++i) lock(100);
    holder.join();
  });
  const std::string text = report.text();
  EXPECT_THAT(text, HasSubstr("'caller' spawned at"));
  EXPECT_THAT(text, HasSubstr("held by its own thread"));
  EXPECT_THAT(text, HasSubstr("; in escaping_lock in libescaping_calls.so"));
  EXPECT_THAT(text, HasSubstr("'holder' spawned at"));
  EXPECT_THAT(text, HasSubstr("escaping_hold"));
}

}  // namespace
}  // namespace colibri
