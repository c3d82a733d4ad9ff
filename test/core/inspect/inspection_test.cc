#include "colibri/core/inspect/inspection.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

constexpr std::size_t kAll = 1'000'000;

std::uint64_t own_id() {
  return thread_state.current->id;
}

/// Tasks that sleep until they are cancelled.
std::vector<Task<void>> spawn_sleepers(int count) {
  std::vector<Task<void>> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(spawn([] { sleep_for(std::chrono::hours(1)); }));
  return tasks;
}

std::set<std::uint64_t> ids_of_step(Inspection& inspection, std::size_t most) {
  std::set<std::uint64_t> ids;
  inspection.step(most, [&](const ControlBlock& each) {
    EXPECT_TRUE(ids.insert(each.id).second) << "coroutine " << each.id << " was visited twice";
  });
  return ids;
}

TEST(Inspection, VisitsEveryCoroutineOnceTheCallerIncluded) {
  run_in_scheduler([] {
    const std::vector<Task<void>> tasks = spawn_sleepers(10);
    yield();
    Inspection inspection;
    const std::set<std::uint64_t> ids = ids_of_step(inspection, kAll);
    EXPECT_EQ(ids.size(), 11U);
    EXPECT_EQ(ids.count(own_id()), 1U);
    EXPECT_FALSE(inspection.step(kAll, [](const ControlBlock&) { FAIL() << "nobody is left"; }));
  });
}

TEST(Inspection, SaysWhetherSomeAreLeft) {
  run_in_scheduler([] {
    const std::vector<Task<void>> tasks = spawn_sleepers(3);
    Inspection inspection;
    const auto nothing = [](const ControlBlock&) {};
    EXPECT_TRUE(inspection.step(3, nothing));
    EXPECT_FALSE(inspection.step(2, nothing));
  });
}

/// The ids of all that are suspended by hand, in steps of `most`.
std::set<std::uint64_t> suspended_in_steps(std::size_t most) {
  std::set<std::uint64_t> ids;
  Inspection inspection;
  const auto visit = [&ids](const ControlBlock& each) {
    if (!each.by_hand) return;
    EXPECT_TRUE(ids.insert(each.id).second) << "coroutine " << each.id << " was visited twice";
  };
  while (inspection.step(most, visit)) {
  }
  return ids;
}

TEST(Inspection, VisitsWhoIsSuspendedByHand) {
  run_in_scheduler([] {
    std::vector<Coroutine> coroutines;
    std::set<std::uint64_t> ids;
    for (int i = 0; i < 100; ++i) {
      coroutines.emplace_back(
          [&ids] {
            ids.insert(own_id());
            Coroutine::yield();
          },
          SpawnOptions{.stack_bytes = 16 * 1024});
      coroutines.back().resume();
    }
    const std::vector<Task<void>> tasks = spawn_sleepers(100);
    for (const std::size_t most : {std::size_t{1}, std::size_t{7}, kAll}) {
      EXPECT_EQ(suspended_in_steps(most), ids) << most;
    }
    for (const std::uint64_t id : ids) {
      const ControlBlock* found = Inspection::find(id);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->id, id);
    }
    coroutines.front().resume();  // it ends
    coroutines.pop_back();        // unwound
    EXPECT_EQ(suspended_in_steps(kAll).size(), ids.size() - 2);
    coroutines.clear();
    EXPECT_TRUE(suspended_in_steps(kAll).empty());
  });
}

TEST(Inspection, VisitsWhoWasNeverResumedUntilItIsDestroyed) {
  run_in_scheduler([] {
    {
      const Coroutine coroutine([] {}, SpawnOptions{.stack_bytes = 16 * 1024});
      EXPECT_EQ(suspended_in_steps(kAll).size(), 1U);
    }
    EXPECT_TRUE(suspended_in_steps(kAll).empty());
  });
}

TEST(Inspection, VisitsWhoeverTransferredToAnother) {
  run_in_scheduler([] {
    const SpawnOptions options{.stack_bytes = 16 * 1024};
    std::size_t seen = 0;
    std::uint64_t first_id = 0;
    Coroutine second(
        [&] {
          const std::set<std::uint64_t> ids = suspended_in_steps(kAll);
          seen = ids.size();
          EXPECT_EQ(ids.count(first_id), 1U);
        },
        options);
    Coroutine first(
        [&] {
          first_id = own_id();
          Coroutine::transfer(second);
        },
        options);
    first.resume();
    EXPECT_EQ(seen, 1U);
  });
}

TEST(Inspection, FramesOnASharedStackAreNotTakenForCoroutines) {
  run_in_scheduler([] {
    {
      const SharedStackGroup group(4, 16 * 1024);
      for (int i = 0; i < 4; ++i) spawn({.shared_stacks = &group}, [] { yield(); }).join();
      EXPECT_TRUE(suspended_in_steps(kAll).empty());
    }
    EXPECT_TRUE(suspended_in_steps(kAll).empty());
  });
}

TEST(Inspection, GoesOnWhenThoseAheadHaveEnded) {
  run_in_scheduler([] {
    std::vector<Task<void>> tasks = spawn_sleepers(10);
    yield();
    Inspection inspection;
    EXPECT_EQ(ids_of_step(inspection, 2).size(), 2U);
    tasks.clear();
    EXPECT_EQ(ids_of_step(inspection, kAll), std::set{own_id()});
  });
}

TEST(Inspection, GoesOnWhenThoseBehindHaveEndedAndOthersBegun) {
  run_in_scheduler([] {
    std::vector<Task<void>> tasks = spawn_sleepers(10);
    yield();
    Inspection inspection;
    EXPECT_EQ(ids_of_step(inspection, 5).size(), 5U);
    tasks.erase(tasks.begin() + 5, tasks.end());  // the newer ones, which were visited
    const std::vector<Task<void>> later = spawn_sleepers(10);
    yield();
    EXPECT_EQ(ids_of_step(inspection, kAll).size(), 6U);
  });
}

TEST(Inspection, TwoAtATimeDoNotMeet) {
  run_in_scheduler([] {
    std::vector<Task<void>> tasks = spawn_sleepers(4);
    yield();
    Inspection first;
    {
      Inspection second;
      EXPECT_EQ(ids_of_step(first, 1).size(), 1U);
      EXPECT_EQ(ids_of_step(second, 2).size(), 2U);
      tasks.clear();
      EXPECT_EQ(ids_of_step(second, kAll).size(), 1U);
    }
    EXPECT_EQ(ids_of_step(first, kAll).size(), 1U);
  });
}

TEST(Inspection, FindsByIdAlsoWhoIsResumedByHand) {
  run_in_scheduler([] {
    std::uint64_t inner = 0;
    Coroutine coroutine([&] {
      inner = own_id();
      const ControlBlock* found = Inspection::find(inner);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(leaf_of(*found).id, inner);
    });
    coroutine.resume();
    EXPECT_EQ(Inspection::find(own_id()), thread_state.current);
    EXPECT_EQ(Inspection::find(inner), nullptr);
  });
}

TEST(Inspection, WithoutASchedulerEndsTheProcess) {
  EXPECT_DEATH(Inspection(), "colibri::Inspection called on a thread without a scheduler");
}

}  // namespace
}  // namespace colibri
