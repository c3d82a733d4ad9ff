// The one workload of every timer benchmark: a set of timers stays armed while one after the other,
// chosen at random, is cancelled and armed anew at a random time within the next minute, as a
// server does with its connections' timeouts. The clock stands still, so that none expires and what
// is measured is bookkeeping alone.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>

#include "bench/micro/report.h"

namespace colibri::bench {

using TimerId = std::uint32_t;
using Nanoseconds = std::chrono::nanoseconds;

// What a benchmark wraps around the structure under test. Deadlines are counted from the clock's
// epoch and are always after `now`.
template <typename Queue>
concept TimerQueueUnderTest = requires(Queue queue, TimerId timer, Nanoseconds deadline) {
  Queue(timer, deadline);      // How many timers there are, all disarmed, and what time it is.
  queue.arm(timer, deadline);  // REQUIRES: the timer is disarmed.
  queue.cancel(timer);         // REQUIRES: the timer is armed.
};

// Timers are embedded in whatever waits, a connection or a coroutine, so that no two of them share
// a cache line. Every structure under test keeps its timers so, rather than packed in an array.
template <typename Timer>
struct alignas(64) TimerOwner {
  Timer timer;
};

// Which timer is armed anew, and for when.
struct TimerStep {
  TimerId timer;
  Nanoseconds deadline;
};

// The same sequence for every structure, made as it is used: a table would either be small, and
// keep the touched timers in cache, or be large, and push them out.
class TimerWorkload {
 public:
  static constexpr Nanoseconds kNow = std::chrono::hours(1);
  static constexpr Nanoseconds kHorizon = std::chrono::minutes(1);

  explicit TimerWorkload(TimerId timers) noexcept : timers_(timers) {}

  TimerStep next_step() noexcept {
    const std::uint64_t random = next_random();
    const auto timer = static_cast<TimerId>((random >> 32) * timers_ >> 32);
    return {timer, deadline_from(static_cast<std::uint32_t>(random))};
  }

  Nanoseconds next_deadline() noexcept {
    return deadline_from(static_cast<std::uint32_t>(next_random()));
  }

 private:
  static Nanoseconds deadline_from(std::uint32_t random) noexcept {
    // The horizon in microseconds fits 26 bits: scaled by 32 random bits it cannot overflow.
    constexpr std::uint64_t kMicroseconds = kHorizon / std::chrono::microseconds(1);
    return kNow + std::chrono::microseconds((random * kMicroseconds >> 32) + 1);
  }

  // xorshift64: about a nanosecond a number.
  std::uint64_t next_random() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  std::uint64_t timers_;
  std::uint64_t state_ = 0x9E37'79B9'7F4A'7C15;
};

// A queue with all its timers armed, and the steps that follow.
template <TimerQueueUnderTest Queue>
struct ArmedTimers {
  explicit ArmedTimers(TimerId timers)
      : count(timers), workload(timers), queue(timers, TimerWorkload::kNow) {
    for (TimerId timer = 0; timer < count; ++timer) queue.arm(timer, workload.next_deadline());
  }

  TimerId count;
  TimerWorkload workload;
  Queue queue;
};

// The benchmark: state.range(0) timers; an item is one cancel and one arm.
template <TimerQueueUnderTest Queue>
void timer_cancel_arm(benchmark::State& state) {
  const auto count = static_cast<TimerId>(state.range(0));
  // Google Benchmark calls this several times to find how many iterations it needs; arming a
  // million timers anew for each call would take far longer than the measurement.
  static std::unique_ptr<ArmedTimers<Queue>> timers;
  if (!timers || timers->count != count) {
    timers = nullptr;
    timers = std::make_unique<ArmedTimers<Queue>>(count);
  }
  TimerWorkload workload = timers->workload;
  Queue& queue = timers->queue;
  for ([[maybe_unused]] auto _ : state) {
    const TimerStep step = workload.next_step();
    queue.cancel(step.timer);
    queue.arm(step.timer, step.deadline);
  }
  benchmark::ClobberMemory();
  timers->workload = workload;
  report_items(state, state.iterations());
}

// Registers `Queue` with the two sizes that are compared, under "timer_cancel_arm/<library>".
template <TimerQueueUnderTest Queue>
void register_timer_cancel_arm(const char* name) {
  benchmark::RegisterBenchmark(name, timer_cancel_arm<Queue>)->Arg(1'000)->Arg(1'000'000);
}

}  // namespace colibri::bench
