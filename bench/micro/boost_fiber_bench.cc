// Boost.Fiber: a scheduler on Boost.Context, with its default policy (round robin, one thread).
//
// Debian compiles it with its atomics; BOOST_FIBERS_NO_ATOMICS would need another library.
#include <alloca.h>
#include <benchmark/benchmark.h>

#include <boost/fiber/all.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "bench/micro/report.h"

namespace colibri::bench {
namespace {

namespace fibers = boost::fibers;

constexpr std::size_t kFiberStackSize = 64 * 1024;

// launch::dispatch enters the new fiber at once, which saves a trip through the ready queue.
template <typename Function>
fibers::fiber spawn(fibers::pooled_fixedsize_stack& stacks, Function function) {
  return fibers::fiber(fibers::launch::dispatch, std::allocator_arg, stacks, function);
}

void yield_among(benchmark::State& state) {
  fibers::pooled_fixedsize_stack stacks(kFiberStackSize);
  bool stop = false;
  std::int64_t yields = 0;
  const auto yield_until_stopped = [&stop, &yields] {
    while (!stop) {
      boost::this_fiber::yield();
      ++yields;
    }
  };
  std::vector<fibers::fiber> others;
  for (std::int64_t i = 1; i < state.range(0); ++i) {
    others.push_back(spawn(stacks, yield_until_stopped));
  }
  boost::this_fiber::yield();
  yields = 0;
  for ([[maybe_unused]] auto _ : state) {
    boost::this_fiber::yield();
    ++yields;
  }
  report_items(state, yields);
  stop = true;
  for (fibers::fiber& other : others) other.join();
}
BENCHMARK(yield_among)->Name("yield/boost_fiber")->Arg(2)->Arg(100)->Arg(10'000);

/// As yield_holding in colibri_live_bytes_bench.cc.
[[gnu::noinline]] void yield_holding(std::int64_t bytes, benchmark::State* counter, bool& stop) {
  char* held = static_cast<char*>(alloca(static_cast<std::size_t>(bytes)));
  held[0] = held[bytes - 1] = 1;
  for (;;) {
    benchmark::DoNotOptimize(held);
    benchmark::DoNotOptimize(counter);
    if (counter != nullptr && !counter->KeepRunning()) stop = true;
    if (stop) return;
    boost::this_fiber::yield();
  }
}

void yield_with_live_bytes(benchmark::State& state) {
  fibers::pooled_fixedsize_stack stacks(4 * kFiberStackSize);
  bool stop = false;
  const auto begin = [&](benchmark::State* counter) {
    return fibers::fiber(fibers::launch::post, std::allocator_arg, stacks,
                         [&, counter] { yield_holding(state.range(0), counter, stop); });
  };
  fibers::fiber counting = begin(&state);
  fibers::fiber other = begin(nullptr);
  counting.join();
  other.join();
  report_items(state, state.iterations() * 2);
}
BENCHMARK(yield_with_live_bytes)
    ->Name("live_bytes/boost_fiber")
    ->Apply([](benchmark::internal::Benchmark* benchmark) {
      for (const std::int64_t bytes : kLiveBytes) benchmark->Arg(bytes);
    });

void spawn_end(benchmark::State& state) {
  fibers::pooled_fixedsize_stack stacks(kFiberStackSize);
  std::int64_t ended = 0;
  for ([[maybe_unused]] auto _ : state) spawn(stacks, [&ended] { ++ended; }).detach();
  report_items(state, ended);
}
BENCHMARK(spawn_end)->Name("spawn_end/boost_fiber");

void spawn_join(benchmark::State& state) {
  fibers::pooled_fixedsize_stack stacks(kFiberStackSize);
  std::int64_t ended = 0;
  for ([[maybe_unused]] auto _ : state) spawn(stacks, [&ended] { ++ended; }).join();
  report_items(state, ended);
}
BENCHMARK(spawn_join)->Name("spawn_join/boost_fiber");

// Two fibers share a turn, a mutex and a condition each.
class TurnTaking {
 public:
  void hand_over_and_wait(int self) {
    std::unique_lock<fibers::mutex> lock(mutex_);
    turn_ = 1 - self;
    changed_[1 - self].notify_one();
    while (turn_ != self) changed_[self].wait(lock);
  }
  void hand_over(int self) {
    const std::lock_guard<fibers::mutex> lock(mutex_);
    turn_ = 1 - self;
    changed_[1 - self].notify_one();
  }

 private:
  fibers::mutex mutex_;
  fibers::condition_variable changed_[2];
  int turn_ = 0;
};

void park_ping_pong(benchmark::State& state) {
  fibers::pooled_fixedsize_stack stacks(kFiberStackSize);
  TurnTaking turns;
  bool stop = false;
  fibers::fiber other(fibers::launch::post, std::allocator_arg, stacks, [&turns, &stop] {
    while (!stop) turns.hand_over_and_wait(1);
    turns.hand_over(1);
  });
  for ([[maybe_unused]] auto _ : state) turns.hand_over_and_wait(0);
  report_items(state, 2 * state.iterations());
  stop = true;
  turns.hand_over_and_wait(0);
  other.join();
}
BENCHMARK(park_ping_pong)->Name("park/boost_fiber");

void channel_ping_pong(benchmark::State& state) {
  fibers::pooled_fixedsize_stack stacks(kFiberStackSize);
  fibers::unbuffered_channel<int> ping, pong;
  fibers::fiber other = spawn(stacks, [&ping, &pong] {
    for (int value = 0; ping.pop(value) == fibers::channel_op_status::success;) pong.push(value);
  });
  int value = 0;
  for ([[maybe_unused]] auto _ : state) {
    ping.push(value);
    pong.pop(value);
  }
  benchmark::DoNotOptimize(value);
  report_items(state, 2 * state.iterations());
  ping.close();
  other.join();
}
BENCHMARK(channel_ping_pong)->Name("channel/boost_fiber");

}  // namespace
}  // namespace colibri::bench

int main(int argc, char** argv) {
  boost::fibers::use_scheduling_algorithm<boost::fibers::algo::round_robin>();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
