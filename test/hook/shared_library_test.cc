// Hooks reach a shared library that is opened at run time, in a program that itself calls none of
// the hooked names (so that a linker would drop them from an ordinary archive).
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "colibri/core/libc.h"
#include "colibri/core/run.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri {
namespace {

TEST(SharedLibrary, ReadsThroughTheHooks) {
  void* const library = dlopen("test/hook/libcalls_read.so", RTLD_NOW);
  ASSERT_NE(library, nullptr) << dlerror();
  using Read = ssize_t (*)(int, void*, size_t);
  const auto read_there = reinterpret_cast<Read>(dlsym(library, "read_from_library"));
  ASSERT_NE(read_there, nullptr) << dlerror();
  int ends[2];
  ASSERT_EQ(real::pipe(ends), 0);
  run([&] {
    bool written = false;
    auto writer = spawn([&] {
      sleep_for(std::chrono::milliseconds(1));
      written = real::write(ends[1], "hello", 5) == 5;
    });
    yield();
    char bytes[5];
    EXPECT_EQ(read_there(ends[0], bytes, sizeof bytes), 5);  // for ever, if it blocks the thread
    EXPECT_TRUE(written);
    writer.join();
  });
  real::close(ends[0]);
  real::close(ends[1]);
  dlclose(library);
}

// TRAPS 11: with libunwind linked, exceptions must still be thrown by libgcc.
TEST(SharedLibrary, TheUnwinderIsLibgccs) {
  if (kAddressSanitizer || kThreadSanitizer) {
    GTEST_SKIP() << "the sanitizer's library stands in front of it";
  }
  void* const raise_exception = dlsym(RTLD_DEFAULT, "_Unwind_RaiseException");
  Dl_info info{};
  ASSERT_NE(dladdr(raise_exception, &info), 0);
  EXPECT_NE(std::string(info.dli_fname).find("libgcc_s"), std::string::npos) << info.dli_fname;
}

}  // namespace
}  // namespace colibri
