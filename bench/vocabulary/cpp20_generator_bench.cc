// C++20 coroutines, as g++ compiles them: a minimal generator, and a tree walk in which each level
// passes on what the level below yields.
#include <benchmark/benchmark.h>

#include <coroutine>
#include <exception>
#include <memory>
#include <utility>

#include "bench/micro/report.h"

namespace colibri::bench {
namespace {

template <class T>
class StacklessGenerator {
 public:
  struct promise_type {
    T current;
    StacklessGenerator get_return_object() {
      return StacklessGenerator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(T value) noexcept {
      current = value;
      return {};
    }
    void return_void() noexcept {}
    void unhandled_exception() { std::terminate(); }
  };

  explicit StacklessGenerator(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  StacklessGenerator(StacklessGenerator&& other) noexcept
      : handle_(std::exchange(other.handle_, {})) {}
  ~StacklessGenerator() {
    if (handle_) handle_.destroy();
  }
  bool next() {
    handle_.resume();
    return !handle_.done();
  }
  T value() const { return handle_.promise().current; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

StacklessGenerator<long> count() {
  for (long i = 0;; ++i) co_yield i;
}

void flat(benchmark::State& state) {
  StacklessGenerator<long> numbers = count();
  for ([[maybe_unused]] auto _ : state) {
    numbers.next();
    benchmark::DoNotOptimize(numbers.value());
  }
  report_items(state, state.iterations());
}
BENCHMARK(flat)->Name("generator/cpp20");

StacklessGenerator<int> walk(int depth) {
  if (depth == 0) co_return;
  for (auto left = walk(depth - 1); left.next();) co_yield left.value();
  co_yield depth;
  for (auto right = walk(depth - 1); right.next();) co_yield right.value();
}

void walk_tree(benchmark::State& state) {
  std::int64_t items = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (auto tree = walk(static_cast<int>(state.range(0))); tree.next(); ++items) {
      benchmark::DoNotOptimize(tree.value());
    }
  }
  report_items(state, items);
}
BENCHMARK(walk_tree)->Name("tree/cpp20")->Arg(20);

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
