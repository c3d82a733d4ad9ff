// pthread_exit in a coroutine ends the coroutine: what lies on its stack is unwound, its
// thread-specific data is destroyed, and its thread goes on.
#include <cxxabi.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <threads.h>

#include <exception>
#include <string>
#include <system_error>
#include <thread>

#include "colibri/core/coroutine.h"
#include "colibri/core/future.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/task_group.h"
#include "test/hook/c_cleanup.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

/// What was unwound, in order.
std::string unwound;

struct Unwound {
  explicit Unwound(char initial) : name(initial) {}
  ~Unwound() { unwound += name; }
  Unwound(const Unwound&) = delete;
  Unwound& operator=(const Unwound&) = delete;
  char name;
};

class ThreadExitTest : public testing::Test {
 protected:
  ThreadExitTest() { unwound.clear(); }
};

void exit_now() {
  const Unwound innermost('x');
  pthread_exit(nullptr);
}

void note_initial(void* initial) {
  unwound += *static_cast<char*>(initial);
}

TEST_F(ThreadExitTest, UnwindsFramesAndThenDestroysThreadSpecificData) {
  if (kThreadSanitizer) GTEST_SKIP() << "thread-specific data is the thread's there";
  run_in_scheduler([] {
    pthread_key_t key;
    ASSERT_EQ(pthread_key_create(&key, [](void*) { unwound += 'k'; }), 0);
    spawn([key] {
      const Unwound outer('1');
      pthread_setspecific(key, &unwound);
      try {
        const Unwound inner('2');
        exit_now();
      } catch (const std::exception&) {
        unwound += '!';
      }
      unwound += '!';
    }).join();
    EXPECT_EQ(unwound, "x21k");
    pthread_key_delete(key);
  });
}

TEST_F(ThreadExitTest, OfC11DoesTheSame) {
  run_in_scheduler([] {
    spawn([] {
      const Unwound frame('1');
      thrd_exit(3);
    }).join();
    EXPECT_EQ(unwound, "1");
  });
}

TEST_F(ThreadExitTest, OthersGoOn) {
  run_in_scheduler([] {
    for (int i = 0; i < 1000; ++i) go(exit_now);
    auto other = spawn([] {
      for (int i = 0; i < 10; ++i) yield();
      return 7;
    });
    EXPECT_EQ(other.join(), 7);
    EXPECT_EQ(unwound.size(), 1000u);
  });
}

TEST_F(ThreadExitTest, DestructorsMayWaitMeanwhile) {
  struct Waiting {
    ~Waiting() {
      sleep_for(std::chrono::milliseconds(1));
      unwound += 'w';
    }
  };
  run_in_scheduler([] {
    const auto body = [] {
      const Waiting waiting;
      exit_now();
    };
    auto first = spawn(body);
    auto second = spawn(body);
    first.join();
    second.join();
    EXPECT_EQ(unwound, "xxww");
  });
}

/// The reference is bound to nothing, as in every handler of this type.
__attribute__((no_sanitize("null"))) void exit_under_handlers() {
  try {
    try {
      exit_now();
    } catch (const abi::__forced_unwind&) {
      unwound += 'f';
      throw;
    }
  } catch (...) {
    unwound += 'a';
    throw;
  }
}

TEST_F(ThreadExitTest, HandlersMayLookAndThrowAgain) {
  run_in_scheduler([] {
    spawn(exit_under_handlers).join();
    EXPECT_EQ(unwound, "xfa");
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  });
}

TEST_F(ThreadExitTest, RunsTheCleanupHandlersOfC) {
  run_in_scheduler([] {
    spawn([] {
      const Unwound outer('1');
      with_c_cleanups(&note_initial, &exit_now);
    }).join();
    EXPECT_EQ(unwound, "xio1");
  });
}

TEST_F(ThreadExitTest, CleanupHandlersOfTwoCoroutinesAreNotMixedUp) {
  run_in_scheduler([] {
    // Entered in this order, and left in the same one.
    auto first = spawn([] { with_c_cleanups(&note_initial, [] { yield(); }); });
    auto second = spawn([] {
      with_c_cleanups(&note_initial, [] {
        yield();
        yield();
        exit_now();
      });
    });
    first.join();
    EXPECT_EQ(unwound, "o");
    second.join();
    EXPECT_EQ(unwound, "oxio");
  });
}

TEST_F(ThreadExitTest, CleanupHandlersOfCppRunToo) {
  run_in_scheduler([] {
    spawn([] {
      char name = 'c';
      pthread_cleanup_push(&note_initial, &name);
      exit_now();
      pthread_cleanup_pop(0);
    }).join();
    EXPECT_EQ(unwound, "xc");
  });
}

TEST_F(ThreadExitTest, LeavesATaskWithoutAResult) {
  run_in_scheduler([] {
    auto task = spawn([]() -> int { exit_now(), std::terminate(); });
    try {
      task.join();
      FAIL() << "there was a result";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::owner_dead);
    }
  });
}

TEST_F(ThreadExitTest, FailsNoTaskGroupAndBreaksThePromise) {
  run_in_scheduler([] {
    TaskGroup group;
    group.spawn(exit_now);
    EXPECT_NO_THROW(group.join());
    Future<void> future = async(exit_now);
    EXPECT_ANY_THROW(future.get());
    EXPECT_EQ(unwound, "xx");
  });
}

TEST_F(ThreadExitTest, EndsACoroutineThatIsResumedByHand) {
  Coroutine coroutine([] {
    const Unwound frame('1');
    Coroutine::yield();
    exit_now();
  });
  coroutine.resume();
  EXPECT_FALSE(coroutine.done());
  coroutine.resume();
  EXPECT_TRUE(coroutine.done());
  EXPECT_EQ(unwound, "x1");
}

TEST_F(ThreadExitTest, InMainEndsTheRun) {
  EXPECT_EQ(run([]() -> int { exit_now(), std::terminate(); }), 0);
  EXPECT_EQ(run([] { exit_now(); }), 0);
  EXPECT_EQ(unwound, "xx");
}

TEST_F(ThreadExitTest, InAPlainThreadEndsTheThread) {
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, nullptr,
                [](void*) -> void* {
                  const Unwound frame('1');
                  with_c_cleanups(&note_initial, [] { pthread_exit(&unwound); });
                  return nullptr;
                },
                nullptr),
            0);
  void* value = nullptr;
  EXPECT_EQ(pthread_join(thread, &value), 0);
  EXPECT_EQ(value, &unwound);
  EXPECT_EQ(unwound, "io1");
}

TEST(ThreadExitDeathTest, CaughtAndNotThrownAgainEndsTheProcess) {
  EXPECT_DEATH(run([] {
                 spawn([] {
                   try {
                     pthread_exit(nullptr);
                   } catch (...) {
                   }
                 }).join();
               }),
               "did not rethrow");
}

}  // namespace
}  // namespace colibri::test
