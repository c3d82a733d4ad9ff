// std::mutex without contention, in a process with one thread and with two.
#include <benchmark/benchmark.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "bench/micro/report.h"

namespace colibri::bench {
namespace {

void lock_and_unlock(benchmark::State& state) {
  std::mutex mutex;
  for ([[maybe_unused]] auto _ : state) {
    const std::lock_guard<std::mutex> lock(mutex);
    benchmark::ClobberMemory();
  }
  report_items(state, state.iterations());
}
BENCHMARK(lock_and_unlock)->Name("mutex/std_single_threaded");

void lock_and_unlock_beside_a_thread(benchmark::State& state) {
  std::atomic<bool> over{false};
  std::thread second([&over] { over.wait(false); });
  lock_and_unlock(state);
  over = true;
  over.notify_one();
  second.join();
}
BENCHMARK(lock_and_unlock_beside_a_thread)->Name("mutex/std");

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
