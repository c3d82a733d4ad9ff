#include "colibri/core/libc.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

namespace colibri {
namespace {

TEST(Libc, FindsFunctionsOfTheRealLibc) {
  for (const char* name : {"read", "poll", "epoll_wait", "clock_nanosleep"}) {
    void* function = find_real_function(name);
    ASSERT_NE(function, nullptr) << name;
    Dl_info info{};
    ASSERT_NE(dladdr(function, &info), 0) << name;
    EXPECT_NE(info.dli_fname, nullptr);
  }
}

TEST(Libc, FindsNothingWhereThereIsNothing) {
  EXPECT_EQ(find_real_function("colibri_no_such_function"), nullptr);
  EXPECT_EQ(find_real_function(std::string(200, 'x').c_str()), nullptr);
}

TEST(Libc, CallsByPlainArguments) {
  int ends[2];
  ASSERT_EQ(real::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  EXPECT_EQ(real::write(ends[1], "abc", 3), 3);
  char bytes[4] = {};
  EXPECT_EQ(real::read(ends[0], bytes, sizeof bytes), 3);
  EXPECT_STREQ(bytes, "abc");
  EXPECT_EQ(real::fcntl(ends[0], F_GETFD), FD_CLOEXEC) << "a variadic one without its argument";
  EXPECT_EQ(real::fcntl(ends[0], F_SETFD, 0), 0) << "and with it";
  EXPECT_EQ(real::fcntl(ends[0], F_GETFD), 0);
  real::close(ends[0]);
  real::close(ends[1]);
}

TEST(LibcDeathTest, ARequiredFunctionThatIsMissingEndsTheProcess) {
  EXPECT_DEATH(require_real_function("colibri_no_such_function"),
               "this libc has no function \"colibri_no_such_function\"");
}

}  // namespace
}  // namespace colibri
