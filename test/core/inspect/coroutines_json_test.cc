#include "colibri/core/inspect/coroutines_json.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "colibri/core/event.h"
#include "colibri/core/mutex.h"
#include "colibri/core/runtime.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task_group.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using nlohmann::json;

json ask(const CoroutinesJsonOptions& options = {}) {
  return json::parse(coroutines_json(options));
}

/// The group in which somebody has that name; null if there is none.
json group_of(const json& all, const std::string& name) {
  for (const json& group : all["groups"]) {
    for (const json& each : group["described"]) {
      if (each["name"] == name) return group;
    }
  }
  return nullptr;
}

TEST(CoroutinesJson, GroupsEqualStacks) {
  test::run_in_scheduler([] {
    const Event go_on;
    TaskGroup group;
    for (int i = 0; i < 20; ++i) {
      group.spawn(SpawnOptions{.name = "waiter"}, [go_on] { go_on.wait(); });
    }
    yield();
    const json all = ask({.described = 3});
    const json waiters = group_of(all, "waiter");
    EXPECT_EQ(waiters["coroutines"], 20);
    EXPECT_EQ(waiters["described"].size(), 3U);
    EXPECT_EQ(waiters["state"], "parked");
    EXPECT_FALSE(waiters["stack"].empty());
    EXPECT_EQ(all["groups"][0], waiters) << "the largest comes first";
    EXPECT_EQ(all["silent"], 0);
    go_on.set();
    group.join();
  });
}

TEST(CoroutinesJson, AsksAllSchedulers) {
  test::run_in_scheduler([] {
    Runtime runtime(2);
    const Event go_on;
    std::vector<Future<void>> waiters;
    for (int i = 0; i < 10; ++i) waiters.push_back(runtime.async([go_on] { go_on.wait(); }));
    for (std::size_t i = 0; i < 2; ++i) runtime.async([] {}).wait();
    const json all = ask();
    std::set<unsigned> schedulers;
    std::size_t waiting = 0;
    for (const json& group : all["groups"]) {
      for (const json& each : group["described"]) {
        if (each["wait"].get<std::string>().find("event") != 0) continue;
        schedulers.insert(each["scheduler"].get<unsigned>());
        ++waiting;
      }
    }
    EXPECT_GE(waiting, 10U);
    EXPECT_GE(schedulers.size(), 2U);
    go_on.set();
    for (auto& each : waiters) each.wait();
  });
}

/// Each locks one of two mutexes, and then wants the other.
void lock_crosswise(Mutex& first, Mutex& second) {
  const std::lock_guard outer(first);
  yield();
  const std::lock_guard inner(second);
}

TEST(CoroutinesJson, ShowsWhoWaitsForEachOther) {
  // Whom nobody can wake is abandoned with its locks.
  static constinit Mutex left;
  static constinit Mutex right;
  test::run_and_abandon(2, [] {
    go({.name = "writer"}, [] { lock_crosswise(left, right); });
    go({.name = "reader"}, [] { lock_crosswise(right, left); });
    sleep_for(std::chrono::milliseconds(1));
    const json all = ask();
    std::size_t cycles = 0;
    for (const json& chain : all["chains"]) {
      if (!chain["is_cycle"]) continue;
      ++cycles;
      EXPECT_EQ(chain["links"].size(), 2U);
      EXPECT_EQ(chain["links"][0]["name"], "writer");
    }
    EXPECT_EQ(cycles, 1U);
  });
}

TEST(CoroutinesJson, ASchedulerThatIsStuckIsLeftOut) {
  test::run_in_scheduler([] {
    Runtime runtime(1);
    // Another thread looks at them, perhaps while this stack is somebody else's.
    static std::atomic<bool> begun{false};
    static std::atomic<bool> ends{false};
    auto stuck = runtime.async([] {
      begun = true;
      while (!ends) {
      }
    });
    while (!begun) yield();
    const json all = ask({.patience = std::chrono::milliseconds(20)});
    EXPECT_EQ(all["silent"], 1);
    EXPECT_FALSE(all["groups"].empty());
    ends = true;
    stuck.wait();
  });
}

TEST(CoroutinesJson, NamesOfAllKindsAreGoodJson) {
  test::run_in_scheduler([] {
    const Event go_on;
    auto odd = spawn(SpawnOptions{.name = "\"</script>\\\n\xff"}, [go_on] { go_on.wait(); });
    yield();
    EXPECT_FALSE(ask()["groups"].empty());
    go_on.set();
    odd.join();
  });
}

}  // namespace
}  // namespace colibri
