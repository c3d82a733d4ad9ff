// colibri's own switch, yield, spawn and wake-up.
#include <benchmark/benchmark.h>

#include <functional>
#include <vector>

#include "bench/micro/report.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/unpark.h"

namespace colibri::bench {
namespace {

void resume(benchmark::State& state) {
  Coroutine other([] {
    for (;;) Coroutine::yield();
  });
  for ([[maybe_unused]] auto _ : state) other.resume();
  report_items(state, 2 * state.iterations());
}
BENCHMARK(resume)->Name("resume/colibri");

// All n coroutines run the same function, as those of a server do: the processor then predicts
// every return behind a switch. The first one counts.
void yield_until_stopped(benchmark::State* counter, bool& stop) {
  for (;;) {
    benchmark::DoNotOptimize(counter);  // one loop for all, and not one for those that count
    if (counter != nullptr && !counter->KeepRunning()) stop = true;
    if (stop) return;
    yield();
  }
}

void yield_among(benchmark::State& state, const StackChoice& stacks) {
  const auto yield_in_turn = [&] {
    bool stop = false;
    std::vector<Task<void>> all;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      all.push_back(spawn(yield_until_stopped, i == 0 ? &state : nullptr, std::ref(stop)));
    }
    for (Task<void>& each : all) each.join();
    report_items(state, state.iterations() * state.range(0));
  };
  run(yield_in_turn, RunOptions{.stacks = stacks});
}
BENCHMARK_CAPTURE(yield_among, private, StackChoice{})
    ->Name("yield/colibri")
    ->Arg(2)
    ->Arg(100)
    ->Arg(10'000);
// Two have a stack each; more are copied.
BENCHMARK_CAPTURE(yield_among, shared, StackChoice{.shared_count = 8})
    ->Name("yield/colibri_shared")
    ->Arg(2)
    ->Arg(100)
    ->Arg(10'000);

// Two coroutines that yield from different places: each switch costs a mispredicted return.
void yield_between_two_places(benchmark::State& state) {
  run([&] {
    bool stop = false;
    Task<void> other = spawn([&stop] {
      while (!stop) yield();
    });
    for ([[maybe_unused]] auto _ : state) yield();
    report_items(state, state.iterations() * 2);
    stop = true;
    other.join();
  });
}
BENCHMARK(yield_between_two_places)->Name("yield/colibri_two_places/2");

void spawn_end(benchmark::State& state, const StackChoice& stacks) {
  const auto spawn_and_run = [&] {
    for ([[maybe_unused]] auto _ : state) {
      go([] {});
      yield();
    }
    report_items(state, state.iterations());
  };
  run(spawn_and_run, RunOptions{.stacks = stacks});
}
BENCHMARK_CAPTURE(spawn_end, private, StackChoice{})->Name("spawn_end/colibri");
BENCHMARK_CAPTURE(spawn_end, shared, StackChoice{.shared_count = 8})
    ->Name("spawn_end/colibri_shared");

void spawn_join(benchmark::State& state) {
  run([&] {
    for ([[maybe_unused]] auto _ : state) spawn([] {}).join();
    report_items(state, state.iterations());
  });
}
BENCHMARK(spawn_join)->Name("spawn_join/colibri");

// Two coroutines that wake each other in turn, by the wait primitive itself.
void park(benchmark::State& state) {
  run([&] {
    ControlBlock* here = thread_state.current;
    ControlBlock* there = nullptr;
    bool stop = false;
    Task<void> other = spawn([&] {
      there = thread_state.current;
      while (!stop) {
        unpark(*here, WakeReason::kFired);
        thread_state.scheduler->park({});
      }
    });
    yield();
    for ([[maybe_unused]] auto _ : state) {
      unpark(*there, WakeReason::kFired);
      thread_state.scheduler->park({});
    }
    report_items(state, 2 * state.iterations());
    stop = true;
    unpark(*there, WakeReason::kFired);
    other.join();
  });
}
BENCHMARK(park)->Name("park/colibri");

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
