// Boost.Coroutine2's pull coroutine as a generator.
#include <benchmark/benchmark.h>

#include <boost/coroutine2/all.hpp>

#include "bench/micro/report.h"

namespace colibri::bench {
namespace {

template <class T>
using Pull = typename boost::coroutines2::coroutine<T>::pull_type;
template <class T>
using Push = typename boost::coroutines2::coroutine<T>::push_type;

void flat(benchmark::State& state) {
  Pull<long> numbers([](Push<long>& yield) {
    for (long i = 0;; ++i) yield(i);
  });
  for ([[maybe_unused]] auto _ : state) {
    numbers();
    benchmark::DoNotOptimize(numbers.get());
  }
  report_items(state, state.iterations());
}
BENCHMARK(flat)->Name("generator/coroutine2");

void walk(int depth, Push<int>& yield) {
  if (depth == 0) return;
  walk(depth - 1, yield);
  yield(depth);
  walk(depth - 1, yield);
}

void walk_tree(benchmark::State& state) {
  std::int64_t items = 0;
  for ([[maybe_unused]] auto _ : state) {
    const int depth = static_cast<int>(state.range(0));
    for (Pull<int> tree([depth](Push<int>& yield) { walk(depth, yield); }); tree; tree()) {
      benchmark::DoNotOptimize(tree.get());
      ++items;
    }
  }
  report_items(state, items);
}
BENCHMARK(walk_tree)->Name("tree/coroutine2")->Arg(20);

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
