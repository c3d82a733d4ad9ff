// Boost.Fiber's channels and mutex, with its default policy (round robin, one thread).
#include <benchmark/benchmark.h>

#include <boost/fiber/all.hpp>
#include <cstddef>
#include <memory>
#include <mutex>

#include "bench/micro/report.h"

namespace colibri::bench {
namespace {

namespace fibers = boost::fibers;

template <typename Function>
fibers::fiber spawn(Function function) {
  static fibers::pooled_fixedsize_stack stacks(64 * 1024);
  return fibers::fiber(fibers::launch::dispatch, std::allocator_arg, stacks, function);
}

void channel_ping_pong(benchmark::State& state) {
  fibers::unbuffered_channel<int> ping, pong;
  fibers::fiber other = spawn([&ping, &pong] {
    for (int value = 0; ping.pop(value) == fibers::channel_op_status::success;) pong.push(value);
  });
  int value = 0;
  for ([[maybe_unused]] auto _ : state) {
    ping.push(value);
    pong.pop(value);
  }
  report_items(state, 2 * state.iterations());
  ping.close();
  other.join();
}
BENCHMARK(channel_ping_pong)->Name("channel/boost_fiber");

void stream(benchmark::State& state) {
  fibers::buffered_channel<int> numbers(128);
  fibers::fiber producer = spawn([&numbers] {
    for (int i = 0; numbers.push(i) == fibers::channel_op_status::success; ++i) {
    }
  });
  int value = 0;
  for ([[maybe_unused]] auto _ : state) numbers.pop(value);
  report_items(state, state.iterations());
  numbers.close();
  producer.join();
}
BENCHMARK(stream)->Name("stream/boost_fiber");

void mutex_uncontended(benchmark::State& state) {
  fibers::mutex mutex;
  for ([[maybe_unused]] auto _ : state) {
    const std::lock_guard<fibers::mutex> lock(mutex);
    benchmark::ClobberMemory();
  }
  report_items(state, state.iterations());
}
BENCHMARK(mutex_uncontended)->Name("mutex/boost_fiber");

void mutex_handoff(benchmark::State& state) {
  fibers::mutex mutex;
  bool stop = false;
  std::int64_t turns = 0;
  const auto contend = [&] {
    while (!stop) {
      {
        const std::lock_guard<fibers::mutex> lock(mutex);
        ++turns;
        boost::this_fiber::yield();
      }
      // It is not fair: without this, the first would keep all others out for ever.
      boost::this_fiber::yield();
    }
  };
  fibers::fiber first = spawn(contend);
  fibers::fiber second = spawn(contend);
  turns = 0;
  for ([[maybe_unused]] auto _ : state) {
    {
      const std::lock_guard<fibers::mutex> lock(mutex);
      ++turns;
      boost::this_fiber::yield();
    }
    boost::this_fiber::yield();
  }
  report_items(state, turns);
  stop = true;
  first.join();
  second.join();
}
BENCHMARK(mutex_handoff)->Name("mutex_handoff/boost_fiber");

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
