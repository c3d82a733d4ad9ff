#include "colibri/core/parker.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::run_in_scheduler;

TEST(Parker, WaitsForThePermit) {
  run_in_scheduler([] {
    Parker parker;
    bool given = false;
    go([&, unparker = parker.unparker()] {
      yield();
      given = true;
      unparker.unpark();
    });
    parker.park();
    EXPECT_TRUE(given);
  });
}

TEST(Parker, APermitGivenBeforeIsNotLost) {
  run_in_scheduler([] {
    Parker parker;
    parker.unparker().unpark();
    bool other_ran = false;
    go([&] { other_ran = true; });
    parker.park();
    EXPECT_FALSE(other_ran) << "it need not have waited";
    yield();  // what the other writes to must not end before it
  });
}

TEST(Parker, PermitsDoNotAddUp) {
  run_in_scheduler([] {
    Parker parker;
    for (int i = 0; i < 3; ++i) parker.unparker().unpark();
    parker.park();
    EXPECT_FALSE(parker.park_until(Deadline::after(milliseconds(1))));
  });
}

TEST(Parker, SeveralPermitsWhileItWaitsWakeItOnce) {
  run_in_scheduler([] {
    Parker parker;
    go([unparker = parker.unparker()] {
      unparker.unpark();
      unparker.unpark();
    });
    parker.park();
    EXPECT_FALSE(parker.park_until(Deadline::after(milliseconds(1))));
  });
}

TEST(Parker, WaitsAtMostUntilTheDeadline) {
  run_in_scheduler([] {
    Parker parker;
    const std::int64_t start = monotonic_now();
    EXPECT_FALSE(parker.park_until(Deadline::after(milliseconds(2))));
    EXPECT_GE(monotonic_now() - start, 2'000'000);
    parker.unparker().unpark();
    EXPECT_TRUE(parker.park_until(Deadline::after(milliseconds(0))));
  });
}

TEST(Parker, APermitDoesNotEndOtherWaits) {
  run_in_scheduler([] {
    Parker parker;
    go([unparker = parker.unparker()] { unparker.unpark(); });
    const std::int64_t start = monotonic_now();
    sleep_for(milliseconds(2));
    EXPECT_GE(monotonic_now() - start, 2'000'000);
    EXPECT_TRUE(parker.park_until(Deadline::after(milliseconds(0))));
  });
}

TEST(Parker, TwoOfOneCoroutineAreApart) {
  run_in_scheduler([] {
    Parker first;
    Parker second;
    go([unparker = second.unparker()] { unparker.unpark(); });
    EXPECT_FALSE(first.park_until(Deadline::after(milliseconds(1))));
    EXPECT_TRUE(second.park_until(Deadline::after(milliseconds(1))));
  });
}

TEST(Parker, WorksInACoroutineThatIsResumed) {
  run_in_scheduler([] {
    bool woken = false;
    Coroutine coroutine([&] {
      Parker parker;
      go([unparker = parker.unparker()] { unparker.unpark(); });
      parker.park();
      woken = true;
    });
    coroutine.resume();
    EXPECT_TRUE(woken);
  });
}

TEST(Parker, GoneItsUnparkerHasNoEffect) {
  run_in_scheduler([] {
    std::optional<Unparker> unparker;
    auto task = spawn([&] {
      const Parker parker;
      unparker.emplace(parker.unparker());
    });
    task.join();
    unparker->unpark();
    std::thread([&] { unparker->unpark(); }).join();
    sleep_for(milliseconds(1));
  });
}

TEST(Parker, APermitOnItsWayToAParkerThatIsGoneIsDropped) {
  run_in_scheduler([] {
    std::optional<Parker> parker;
    parker.emplace();
    std::thread([unparker = parker->unparker()] { unparker.unpark(); }).join();
    parker.reset();  // before the message is delivered
    sleep_for(milliseconds(1));
  });
}

TEST(Parker, ItsUnparkerOutlivesTheScheduler) {
  std::optional<Unparker> unparker;
  run_in_scheduler([&] {
    const Parker parker;
    unparker.emplace(parker.unparker());
  });
  unparker->unpark();
  std::thread([&] { unparker->unpark(); }).join();
  run_in_scheduler([&] { unparker->unpark(); });
  const Unparker copy = *unparker;
  unparker.reset();
  copy.unpark();
}

TEST(ParkerDeathTest, OutsideACoroutineIsRefused) {
  EXPECT_DEATH(Parker(), "Parker made outside a coroutine; wrap main in colibri::run\\(\\)");
}

TEST(ParkerDeathTest, WithoutASchedulerIsRefused) {
  const auto misuse = [] {
    Coroutine coroutine([] { const Parker parker; });
    coroutine.resume();
  };
  EXPECT_DEATH(misuse(), "Parker called on a thread without a scheduler");
}

}  // namespace
}  // namespace colibri
