#include "colibri/core/run.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/libc.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/leak_check.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;

class RunTest : public testing::Test {
 private:
  test::LeakCheck leaks_;
};

TEST_F(RunTest, ReturnsMainsResult) {
  EXPECT_EQ(run([] { return 42; }), 42);
  EXPECT_EQ(run([] { return std::string("text"); }), "text");
  EXPECT_EQ(*run([] { return std::make_unique<int>(7); }), 7);
}

TEST_F(RunTest, ReturnsZeroForVoid) {
  static_assert(std::is_same_v<decltype(run([] {})), int>);
  EXPECT_EQ(run([] {}), 0);
}

TEST_F(RunTest, TakesMainByReferenceAndByMove) {
  int calls = 0;
  auto main = [&calls] { return ++calls; };
  EXPECT_EQ(run(main), 1);
  EXPECT_EQ(run(std::move(main)), 2);
  EXPECT_EQ(run([one = std::make_unique<int>(1)] { return *one; }), 1);
}

TEST_F(RunTest, RethrowsWhatMainThrows) {
  EXPECT_THROW(run([]() -> int { throw std::out_of_range("main"); }), std::out_of_range);
  EXPECT_EQ(run([] { return 1; }), 1) << "and can be called again";
}

TEST_F(RunTest, MainRunsInACoroutine) {
  EXPECT_FALSE(can_park());
  run([] { EXPECT_TRUE(can_park()); });
  EXPECT_FALSE(can_park());
  EXPECT_EQ(thread_state.scheduler, nullptr);
}

TEST_F(RunTest, RunsAgainInTheSameThread) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(run([i] {
                auto task = spawn([i] {
                  yield();
                  return i;
                });
                return task.join();
              }),
              i);
  }
}

TEST_F(RunTest, RunsInSeveralThreadsAtOnce) {
  constexpr int kThreads = 4;
  std::vector<int> results(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &result = results[static_cast<std::size_t>(t)]] {
      const test::StackLeakCheck leaks;
      for (int round = 0; round < 20; ++round) {
        result += run([t] {
          std::vector<Task<int>> tasks;
          for (int i = 0; i < 10; ++i) {
            tasks.push_back(spawn([t, i] {
              if (i % 2 == 0) sleep_for(std::chrono::microseconds(50));
              yield();
              return t;
            }));
          }
          int sum = 0;
          for (Task<int>& task : tasks) sum += task.join();
          return sum;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(results, (std::vector{0, 200, 400, 600}));
}

TEST_F(RunTest, EndsWithMainAlthoughOthersWait) {
  bool ended_well = false;
  run([&] {
    go([&] {
      try {
        sleep_for(std::chrono::hours(1));
      } catch (const Canceled&) {
        ended_well = true;
        throw;
      }
    });
    yield();
  });
  EXPECT_TRUE(ended_well);
}

TEST_F(RunTest, MainMayUseTheStackThatItAskedFor) {
  const auto use_stack = [] {
    volatile char frame[3 * 1024 * 1024];
    for (std::size_t i = 0; i < sizeof frame; i += 4'096) frame[i] = 1;
    return static_cast<int>(frame[0]);
  };
  EXPECT_EQ(run(use_stack, RunOptions{.main_stack_bytes = 4 * 1024 * 1024}), 1);
}

TEST_F(RunTest, ABadSizeOfMainsStackIsRefused) {
  EXPECT_THROW(run([] {}, RunOptions{.main_stack_bytes = 1}), std::invalid_argument);
  EXPECT_EQ(run([] { return 1; }), 1);
}

/// Lets the process have no further descriptor, but for `spare`, while it lives.
class DescriptorShortage {
 public:
  explicit DescriptorShortage(rlim_t spare) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    // Numbers count, not descriptors; the lowest free one is about to be handed out.
    const int lowest_free = real::dup(0);
    real::close(lowest_free);
    limit.rlim_cur = static_cast<rlim_t>(lowest_free) + spare;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~DescriptorShortage() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorShortage(const DescriptorShortage&) = delete;
  DescriptorShortage& operator=(const DescriptorShortage&) = delete;

 private:
  rlimit before_{};
};

TEST_F(RunTest, WithoutDescriptorsThrowsAndLeavesNothingBehind) {
  for (const rlim_t spare : {rlim_t{0}, rlim_t{1}}) {
    bool ran = false;
    try {
      const DescriptorShortage shortage(spare);
      run([&] { ran = true; });
      FAIL() << "with " << spare << " descriptors left";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), EMFILE);
    }
    EXPECT_FALSE(ran);
    EXPECT_EQ(thread_state.scheduler, nullptr);
    EXPECT_EQ(run([] { return 1; }), 1) << "and can be called again";
  }
}

TEST_F(RunTest, HoldsManyCoroutines) {
  const std::size_t count = test::many_coroutines();
  std::size_t finished = 0;
  run([&] {
    for (std::size_t i = 0; i < count; ++i) {
      go([&] {
        yield();
        sleep_for(milliseconds(1));
        ++finished;
      });
    }
    while (finished < count) sleep_for(milliseconds(1));
    EXPECT_EQ(Scheduler::current("test").alive(), 1U);
  });
  EXPECT_EQ(finished, count);
}

TEST_F(RunTest, CoroutinesThatComeAndGoNeedNoMoreStacksThanLiveAtOnce) {
  run([&] {
    const std::size_t made = thread_stack_pool().made();
    for (int i = 0; i < 1'000; ++i) {
      go([] {});
      yield();
    }
    EXPECT_LE(thread_stack_pool().made(), made + 1);
  });
}

TEST(RunDeathTest, InsideARunIsRefused) {
  EXPECT_DEATH(run([] { run([] {}); }),
               "a second scheduler on one thread; colibri::run\\(\\) must not be called inside "
               "run\\(\\)");
}

TEST(RunDeathTest, InsideABareCoroutineIsRefused) {
  const auto misuse = [] {
    Coroutine coroutine([] { run([] { yield(); }); });
    coroutine.resume();
  };
  EXPECT_DEATH(misuse(), "colibri::run\\(\\).* inside a");
}

}  // namespace
}  // namespace colibri
