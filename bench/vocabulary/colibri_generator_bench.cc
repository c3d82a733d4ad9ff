// colibri's generators: flat, and a tree walk in order by both kinds of recursion.
#include <benchmark/benchmark.h>

#include "bench/micro/report.h"
#include "colibri/core/generator.h"

namespace colibri::bench {
namespace {

void flat(benchmark::State& state) {
  Generator<long> numbers([](auto& yield) {
    for (long i = 0;; ++i) yield(i);
  });
  for ([[maybe_unused]] auto _ : state) {
    numbers.next();
    benchmark::DoNotOptimize(numbers.value());
  }
  report_items(state, state.iterations());
}
BENCHMARK(flat)->Name("generator/colibri");

/// One stack: the walk is plain recursion.
void walk(int depth, Yield<int, void>& yield) {
  if (depth == 0) return;
  walk(depth - 1, yield);
  yield(depth);
  walk(depth - 1, yield);
}

Generator<int> walk_nested(int depth) {
  const SpawnOptions small{.stack_bytes = 16 * 1024};
  return Generator<int>(
      [depth](auto& yield) {
        if (depth == 0) return;
        yield.from(walk_nested(depth - 1));
        yield(depth);
        yield.from(walk_nested(depth - 1));
      },
      small);
}

template <class Make>
void walk_tree(benchmark::State& state, Make make) {
  std::int64_t items = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (int value : make(static_cast<int>(state.range(0)))) {
      benchmark::DoNotOptimize(value);
      ++items;
    }
  }
  report_items(state, items);
}

BENCHMARK_CAPTURE(walk_tree, plain,
                  [](int depth) {
                    return Generator<int>([depth](auto& yield) { walk(depth, yield); });
                  })
    ->Name("tree/colibri")
    ->Arg(20);
BENCHMARK_CAPTURE(walk_tree, nested, walk_nested)->Name("tree/colibri_nested")->Arg(20);

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
