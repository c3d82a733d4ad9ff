// Coroutines that end while exceptions are in flight: in them, or in those who destroy them.
#include <gtest/gtest.h>

#include <exception>
#include <optional>
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

using std::chrono::hours;
using std::chrono::milliseconds;
using test::LeakCheck;
using test::run_in_scheduler;

class UnwindingTest : public testing::Test {
 private:
  LeakCheck leaks_;
};

/// An exception that knows how many of its kind are alive.
struct CountedError : std::runtime_error {
  explicit CountedError(const std::string& what) : std::runtime_error(what) { ++alive; }
  CountedError(const CountedError& other) : std::runtime_error(other) { ++alive; }
  CountedError& operator=(const CountedError&) = default;
  ~CountedError() override { --alive; }
  inline static int alive = 0;
};

TEST_F(UnwindingTest, OneThatYieldedInItsHandlerMayBeDestroyedInAnothersHandler) {
  std::optional<Coroutine> coroutine;
  coroutine.emplace([] {
    try {
      throw CountedError("inner");
    } catch (const CountedError&) {
      Coroutine::yield();
    }
  });
  coroutine->resume();
  EXPECT_EQ(CountedError::alive, 1);
  std::string rethrown;
  try {
    try {
      throw CountedError("outer");
    } catch (const CountedError&) {
      EXPECT_EQ(CountedError::alive, 2);
      coroutine.reset();
      EXPECT_EQ(CountedError::alive, 1) << "the coroutine's exception ends with its handler";
      throw;
    }
  } catch (const CountedError& error) {
    rethrown = error.what();
  }
  EXPECT_EQ(rethrown, "outer");
  EXPECT_EQ(CountedError::alive, 0);
}

TEST_F(UnwindingTest, OneThatYieldedWhileItUnwoundMayBeDestroyedWhileAnotherUnwinds) {
  struct YieldsOnUnwind {
    // Yields no further once the coroutine is being destroyed itself: its yield throws, out of a
    // destructor that lets it.
    ~YieldsOnUnwind() noexcept(false) {
      try {
        Coroutine::yield();
      } catch (...) {
        EXPECT_EQ(std::uncaught_exceptions(), 1);
      }
    }
  };
  std::optional<Coroutine> coroutine;
  bool handled = false;
  coroutine.emplace([&] {
    try {
      const YieldsOnUnwind guard;
      throw CountedError("inner");
    } catch (const CountedError&) {
      handled = true;
    }
  });
  coroutine->resume();
  struct DestroysOnUnwind {
    std::optional<Coroutine>& victim;
    ~DestroysOnUnwind() {
      EXPECT_EQ(std::uncaught_exceptions(), 1);
      victim.reset();
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
  };
  try {
    const DestroysOnUnwind guard{coroutine};
    throw CountedError("outer");
  } catch (const CountedError& error) {
    EXPECT_STREQ(error.what(), "outer");
  }
  EXPECT_TRUE(handled);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  EXPECT_EQ(CountedError::alive, 0);
}

TEST_F(UnwindingTest, InDestructorsOfOneThatIsDestroyedTheExceptionCountIsItsOwn) {
  std::vector<int> uncaught;
  {
    Coroutine coroutine([&] {
      struct Guard {
        std::vector<int>& uncaught;
        ~Guard() { uncaught.push_back(std::uncaught_exceptions()); }
      } guard{uncaught};
      Coroutine::yield();
    });
    coroutine.resume();
  }
  EXPECT_EQ(uncaught, std::vector{1});
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TEST_F(UnwindingTest, ATaskDestroyedInAHandlerParksThereAndTheHandlerGoesOn) {
  run_in_scheduler([] {
    std::string rethrown;
    try {
      try {
        throw CountedError("main");
      } catch (const CountedError&) {
        {
          const auto task = spawn([] {
            try {
              throw CountedError("task");
            } catch (const CountedError&) {
              sleep_for(hours(1));  // the destructor of the Task cancels it
            }
          });
          yield();
          EXPECT_EQ(CountedError::alive, 2);
        }
        EXPECT_EQ(CountedError::alive, 1);
        sleep_for(milliseconds(1));
        throw;
      }
    } catch (const CountedError& error) {
      rethrown = error.what();
    }
    EXPECT_EQ(rethrown, "main");
  });
  EXPECT_EQ(CountedError::alive, 0);
}

TEST_F(UnwindingTest, AnExceptionKeptByOneCoroutineMayBeRethrownInAnother) {
  run_in_scheduler([] {
    std::exception_ptr kept;
    spawn([&] {
      try {
        throw CountedError("first");
      } catch (...) {
        yield();
        kept = std::current_exception();
      }
    }).join();
    int caught = 0;
    const auto rethrow = [&] {
      try {
        std::rethrow_exception(kept);
      } catch (const CountedError& error) {
        yield();
        EXPECT_STREQ(error.what(), "first");
        ++caught;
      }
    };
    auto one = spawn(rethrow);
    auto other = spawn(rethrow);  // both handle the same object at the same time
    one.join();
    other.join();
    EXPECT_EQ(caught, 2);
    kept = nullptr;
  });
  EXPECT_EQ(CountedError::alive, 0);
}

}  // namespace
}  // namespace colibri
