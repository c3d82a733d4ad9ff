// Every allocation of what coroutines do fails once: an error says so, or things go on without it;
// nothing leaks, and the next run works.
#include <alloca.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/task_group.h"
#include "test/support/descriptors.h"
#include "test/support/failing_allocations.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::microseconds;
using test::FailingAllocations;

/// Has `size` bytes on its stack over `pause`, and counts those that are different afterwards.
template <class Pause>
[[gnu::noinline]] int spoilt_over(std::size_t size, Pause pause) {
  auto* bytes = static_cast<volatile unsigned char*>(alloca(size));
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i * 7);
  pause();
  int spoilt = 0;
  for (std::size_t i = 0; i < size; ++i) spoilt += bytes[i] != static_cast<unsigned char>(i * 7);
  return spoilt;
}

// Each scenario returns `kRight` when all went well, or throws what the failure became.
constexpr int kRight = 42;

int spawn_on_private_stacks() {
  return run([] {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 4; ++i) {
      tasks.push_back(spawn({.stack_bytes = 64 * 1024}, [i] {
        sleep_for(microseconds(i));
        return i;
      }));
    }
    int sum = 36;
    for (Task<int>& task : tasks) sum += task.join();
    return sum;
  });
}

/// Three on one stack, of which each is copied out: into a slab, and into a mapping of its own.
int spawn_on_shared_stacks() {
  return run([] {
    const SharedStackGroup group(1, 128 * 1024);
    std::vector<Task<int>> tasks;
    for (const std::size_t size : {100U, 2'000U, 40'000U}) {
      tasks.push_back(spawn({.shared_stacks = &group}, [size] {
        return spoilt_over(size, [] {
          yield();
          sleep_for(microseconds(1));
        });
      }));
    }
    int spoilt = 0;
    for (Task<int>& task : tasks) spoilt += task.join();
    return kRight + spoilt;
  });
}

/// A coroutine resumed by hand and its resumer need one stack.
int resume_on_shared_stacks() {
  return run([] {
    const SharedStackGroup group(1, 128 * 1024);
    auto outer = spawn({.shared_stacks = &group}, [group] {
      auto inner = std::make_unique<Coroutine>(
          [] {
            EXPECT_EQ(spoilt_over(20'000, [] { Coroutine::yield(); }), 0);
            yield();
          },
          SpawnOptions{.shared_stacks = &group});
      return spoilt_over(30'000, [inner = inner.get()] {
        while (!inner->done()) inner->resume();
      });
    });
    return kRight + outer.join();
  });
}

/// Who resumed a coroutine has lost its stack to a third when that coroutine ends.
int end_while_the_resumer_is_away() {
  return run([] {
    const SharedStackGroup outer_stack(1, 128 * 1024);
    const SharedStackGroup inner_stack(1, 64 * 1024);
    auto outer = spawn({.shared_stacks = &outer_stack}, [inner_stack] {
      auto inner =
          std::make_unique<Coroutine>([] { yield(); }, SpawnOptions{.shared_stacks = &inner_stack});
      return spoilt_over(3'000, [inner = inner.get()] { inner->resume(); });
    });
    auto third = spawn({.shared_stacks = &outer_stack},
                       [] { return spoilt_over(25'000, [] { sleep_for(microseconds(50)); }); });
    return kRight + outer.join() + third.join();
  });
}

int send_over_channels() {
  return run([] {
    const SharedStackGroup group(2, 64 * 1024);
    Channel<int> numbers(2);
    TaskGroup senders;
    for (int i = 0; i < 3; ++i) {
      senders.spawn({.shared_stacks = i == 0 ? nullptr : &group}, [numbers, i] {
        for (int turn = 0; turn < 4; ++turn) numbers.send(i);
      });
    }
    auto closer = spawn([&senders, numbers] {
      try {
        senders.join();
      } catch (...) {
        numbers.close();
        throw;
      }
      numbers.close();
    });
    int sum = 30;
    for (int number : numbers) sum += number;
    closer.join();
    return sum;
  });
}

struct Scenario {
  const char* name;
  int (*run)();
};

const Scenario kScenarios[] = {
    {"SpawnOnPrivateStacks", spawn_on_private_stacks},
    {"SpawnOnSharedStacks", spawn_on_shared_stacks},
    {"ResumeOnSharedStacks", resume_on_shared_stacks},
    {"EndWhileTheResumerIsAway", end_while_the_resumer_is_away},
    {"SendOverChannels", send_over_channels},
};

/// True if the scenario went well, or failed as it may.
bool ends_well(const Scenario& scenario) {
  try {
    const int result = scenario.run();
    EXPECT_EQ(result, kRight) << "neither an error nor the right result";
  } catch (const std::bad_alloc&) {
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::not_enough_memory) << error.what();
  }
  EXPECT_EQ(thread_stack_pool().in_use(), thread_shared_stacks().stack_count());
  EXPECT_EQ(thread_shared_stacks().in_use(), 0U);
  thread_shared_stacks().trim_now();
  EXPECT_EQ(thread_shared_stacks().memory().in_use(), 0U);
  return !testing::Test::HasFailure();
}

class AllocationFailure : public testing::TestWithParam<Scenario> {
 protected:
  /// Valgrind takes its time: there, one allocation of five.
  const std::size_t stride_ = test::in_valgrind() ? 5 : 1;
};

/// Runs the scenario on a thread of its own, whose caches are empty, with these failures. False if
/// the scenario had fewer allocations.
bool fails_on_a_thread(const Scenario& scenario, std::size_t successes, std::size_t failures) {
  bool failed = false;
  std::thread([&] {
    {
      const FailingAllocations failing(successes, failures);
      ends_well(scenario);
      failed = failing.has_failed();
    }
    EXPECT_EQ(scenario.run(), kRight) << "the next run on that thread";
  }).join();
  return failed;
}

TEST_P(AllocationFailure, LeaksNothing) {
  for (int warm_up = 0; warm_up < 2; ++warm_up) fails_on_a_thread(GetParam(), 1'000'000, 0);
  for (const std::size_t failures : {1U, 3U}) {
    for (std::size_t successes = 0;; successes += stride_) {
      SCOPED_TRACE("allocation " + std::to_string(successes));
      const long pieces = test::pieces_in_use();
      const long mapped = test::mapped_bytes();
      const std::size_t descriptors = test::open_descriptors();
      const bool failed = fails_on_a_thread(GetParam(), successes, failures);
      EXPECT_EQ(test::pieces_in_use(), pieces);
      EXPECT_EQ(test::mapped_bytes(), mapped);
      EXPECT_EQ(test::open_descriptors(), descriptors);
      if (HasFailure()) return;
      if (!failed) {
        EXPECT_GT(successes, 10U) << "too few allocations: are they counted?";
        break;
      }
      EXPECT_LT(successes, 10'000U);
    }
  }
}

/// The exit status of a process of its own, in which nothing is there yet that comes with first
/// use: 0 all right, 1 not, 2 the scenario had fewer allocations; or -1 with the signal noted.
int status_of_fresh_process(const Scenario& scenario, std::size_t successes) {
  const pid_t child = fork();
  if (child == 0) {
    bool failed;
    bool well;
    {
      const FailingAllocations failing(successes);
      well = ends_well(scenario);
      failed = failing.has_failed();
    }
    well = well && scenario.run() == kRight && !testing::Test::HasFailure();
    _exit(!well ? 1 : failed ? 0 : 2);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_FALSE(WIFSIGNALED(status)) << "signal " << WTERMSIG(status);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_P(AllocationFailure, IsSurvivedAtFirstUse) {
  for (std::size_t successes = 0;; successes += stride_) {
    SCOPED_TRACE("allocation " + std::to_string(successes));
    const int status = status_of_fresh_process(GetParam(), successes);
    if (status == 2) break;
    EXPECT_EQ(status, 0);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, AllocationFailure, testing::ValuesIn(kScenarios),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace colibri
