// What live bytes cost at a switch: two coroutines that yield to each other, on one shared stack
// (each switch copies one out and the other in) and on private ones (nothing is copied).
#include <alloca.h>
#include <benchmark/benchmark.h>

#include <functional>

#include "bench/micro/report.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri::bench {
namespace {

/// Yields with `bytes` of its own on the stack, until the one with a counter has counted enough.
[[gnu::noinline]] void yield_holding(std::int64_t bytes, benchmark::State* counter, bool& stop) {
  char* held = static_cast<char*>(alloca(static_cast<std::size_t>(bytes)));
  held[0] = held[bytes - 1] = 1;
  for (;;) {
    benchmark::DoNotOptimize(held);
    benchmark::DoNotOptimize(counter);
    if (counter != nullptr && !counter->KeepRunning()) stop = true;
    if (stop) return;
    yield();
  }
}

void yield_with_live_bytes(benchmark::State& state, const StackChoice& stacks) {
  const auto yield_in_turn = [&state] {
    // On main's stack, which is a private one always.
    bool stop = false;
    Task<void> counting = spawn(yield_holding, state.range(0), &state, std::ref(stop));
    Task<void> other = spawn(yield_holding, state.range(0), nullptr, std::ref(stop));
    counting.join();
    other.join();
    report_items(state, state.iterations() * 2);
  };
  run(yield_in_turn, RunOptions{.stacks = stacks});
}

void add_sizes(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t bytes : kLiveBytes) benchmark->Arg(bytes);
}

BENCHMARK_CAPTURE(yield_with_live_bytes, shared, StackChoice{.shared_count = 1})
    ->Name("live_bytes/colibri_shared")
    ->Apply(add_sizes);
BENCHMARK_CAPTURE(yield_with_live_bytes, private, StackChoice{})
    ->Name("live_bytes/colibri")
    ->Apply(add_sizes);

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
