// C++ exceptions and switches: every coroutine has its own record of exceptions in flight.
#include <cxxabi.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unwind.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/leak_check.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::LeakCheck;
using test::run_in_scheduler;

/// What the exception that is being handled says; "" if none is.
std::string handled() {
  const std::exception_ptr current = std::current_exception();
  if (current == nullptr) return "";
  try {
    std::rethrow_exception(current);
  } catch (const std::exception& error) {
    return error.what();
  }
}

class ExceptionTest : public testing::Test {
 private:
  LeakCheck leaks_;
};

TEST_F(ExceptionTest, IsThrownAndCaughtAcrossASwitch) {
  std::string caught;
  Coroutine coroutine([&] {
    try {
      Coroutine::yield();
      throw std::runtime_error("late");
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
  });
  coroutine.resume();
  coroutine.resume();
  EXPECT_EQ(caught, "late");
  EXPECT_TRUE(coroutine.done());
}

TEST_F(ExceptionTest, ASwitchInsideACatchBlockKeepsTheExceptionApart) {
  std::string rethrown;
  Coroutine first([&] {
    try {
      try {
        throw std::runtime_error("first");
      } catch (...) {
        Coroutine::yield();
        EXPECT_EQ(handled(), "first");
        throw;
      }
    } catch (const std::exception& error) {
      rethrown = error.what();
    }
  });
  Coroutine second([&] {
    EXPECT_EQ(handled(), "") << "the first coroutine's exception is visible in the second";
    try {
      throw std::logic_error("second");
    } catch (const std::exception&) {
      first.resume();  // its handler ends while this one has begun
      EXPECT_EQ(handled(), "second");
      Coroutine::yield();
      EXPECT_EQ(handled(), "second");
    }
    EXPECT_EQ(handled(), "");
  });
  first.resume();
  EXPECT_EQ(handled(), "");
  second.resume();
  EXPECT_EQ(rethrown, "first");
  second.resume();
  EXPECT_TRUE(second.done());
}

/// Handles `depth` exceptions within each other, yields in the innermost handler, and rethrows
/// each; notes what arrives.
void nest(const std::string& name, int depth, std::vector<std::string>& rethrown) {
  const std::string mine = name + std::to_string(depth);
  try {
    try {
      throw std::runtime_error(mine);
    } catch (...) {
      Coroutine::yield();
      if (depth > 0) nest(name, depth - 1, rethrown);
      Coroutine::yield();
      EXPECT_EQ(handled(), mine);
      throw;
    }
  } catch (const std::runtime_error& error) {
    rethrown.push_back(error.what());
  }
}

TEST_F(ExceptionTest, HandlersNestedInManyCoroutinesNeverMix) {
  constexpr int kDepth = 5;
  constexpr int kCoroutines = 8;
  std::vector<std::vector<std::string>> rethrown(kCoroutines);
  std::vector<Coroutine> coroutines;
  for (int i = 0; i < kCoroutines; ++i) {
    coroutines.emplace_back([&rethrown, i] {
      nest(std::string(1, static_cast<char>('a' + i)), kDepth, rethrown[static_cast<size_t>(i)]);
    });
  }
  for (bool any = true; any;) {
    any = false;
    for (Coroutine& coroutine : coroutines) {
      if (coroutine.done()) continue;
      coroutine.resume();
      EXPECT_EQ(handled(), "");
      any = true;
    }
  }
  for (int i = 0; i < kCoroutines; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    std::vector<std::string> expected;
    for (int depth = 0; depth <= kDepth; ++depth) expected.push_back(name + std::to_string(depth));
    EXPECT_EQ(rethrown[static_cast<std::size_t>(i)], expected);
  }
}

TEST_F(ExceptionTest, SchedulersSwitchInsideACatchBlock) {
  run_in_scheduler([] {
    constexpr int kCoroutines = 20;
    int right = 0;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < kCoroutines; ++i) {
      tasks.push_back(spawn([i, &right] {
        const std::string mine = std::to_string(i);
        try {
          try {
            throw std::runtime_error(mine);
          } catch (...) {
            sleep_for(std::chrono::milliseconds(i % 3));
            yield();
            throw;
          }
        } catch (const std::runtime_error& error) {
          if (error.what() == mine) ++right;
        }
      }));
    }
    for (Task<void>& task : tasks) task.join();
    EXPECT_EQ(right, kCoroutines);
  });
}

/// Yields while the stack is being unwound.
struct YieldsOnUnwind {
  std::vector<int>& uncaught;
  ~YieldsOnUnwind() {
    uncaught.push_back(std::uncaught_exceptions());
    Coroutine::yield();
    uncaught.push_back(std::uncaught_exceptions());
  }
};

TEST_F(ExceptionTest, UncaughtExceptionsAreCountedForEachCoroutine) {
  std::vector<int> uncaught;
  std::string caught;
  Coroutine coroutine([&] {
    try {
      const YieldsOnUnwind outer{uncaught};
      const YieldsOnUnwind inner{uncaught};
      throw std::runtime_error("unwinding");
    } catch (const std::exception& error) {
      caught = error.what();
    }
    uncaught.push_back(std::uncaught_exceptions());
  });
  coroutine.resume();
  EXPECT_EQ(std::uncaught_exceptions(), 0) << "the coroutine's exception is counted here";
  try {
    throw std::logic_error("meanwhile");
  } catch (const std::exception&) {
    coroutine.resume();
    EXPECT_EQ(handled(), "meanwhile");
  }
  coroutine.resume();
  EXPECT_EQ(uncaught, (std::vector{1, 1, 1, 1, 0}));
  EXPECT_EQ(caught, "unwinding");
}

TEST_F(ExceptionTest, ACoroutineStartedDuringUnwindingBeginsWithNone) {
  struct ResumesOnUnwind {
    int& uncaught;
    ~ResumesOnUnwind() {
      Coroutine coroutine([this] {
        uncaught = std::uncaught_exceptions();
        try {
          throw std::runtime_error("inner");
        } catch (const std::exception&) {
          Coroutine::yield();
        }
      });
      coroutine.resume();
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }  // the suspended coroutine unwinds while this one does
  };
  int uncaught = -1;
  try {
    const ResumesOnUnwind guard{uncaught};
    throw std::logic_error("outer");
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "outer");
  }
  EXPECT_EQ(uncaught, 0);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TEST_F(ExceptionTest, PassesThroughNestedResumes) {
  Coroutine inner([] { throw std::runtime_error("innermost"); });
  Coroutine outer([&] { inner.resume(); });
  EXPECT_THROW(outer.resume(), std::runtime_error);
  EXPECT_TRUE(inner.done());
  EXPECT_TRUE(outer.done());
}

TEST_F(ExceptionTest, TravelsByPointerOverJoin) {
  run_in_scheduler([] {
    auto task = spawn([]() -> int {
      yield();
      throw std::runtime_error("from the task");
    });
    std::exception_ptr kept;
    try {
      task.join();
    } catch (...) {
      kept = std::current_exception();
    }
    ASSERT_NE(kept, nullptr);
    yield();
    EXPECT_THROW(std::rethrow_exception(kept), std::runtime_error);
  });
}

TEST(Unwinder, IsThatOfLibgcc) {
  if (kAddressSanitizer) GTEST_SKIP() << "AddressSanitizer puts its own function in front";
  Dl_info info{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&_Unwind_RaiseException), &info), 0);
  EXPECT_NE(std::string(info.dli_fname).find("libgcc_s"), std::string::npos) << info.dli_fname;
  // What libstdc++ binds to, which is what counts.
  void* bound = dlsym(RTLD_DEFAULT, "_Unwind_RaiseException");
  ASSERT_NE(bound, nullptr);
  ASSERT_NE(dladdr(bound, &info), 0);
  EXPECT_NE(std::string(info.dli_fname).find("libgcc_s"), std::string::npos) << info.dli_fname;
}

}  // namespace
}  // namespace colibri
