// colibri's channels, select, locks, and the benchmarks that languages compare themselves by.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "bench/micro/report.h"
#include "colibri/core/channel.h"
#include "colibri/core/mutex.h"
#include "colibri/core/run.h"
#include "colibri/core/runtime.h"
#include "colibri/core/select.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri::bench {
namespace {

/// Nanoseconds of CPU time of the whole process.
double process_nanoseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// Nanoseconds on the wall.
double wall_nanoseconds() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Sends back what it receives, up to the end.
void echo(const Channel<int>& ping, const Channel<int>& pong) {
  for (int value : ping) pong.send(value);
}

void channel_ping_pong(benchmark::State& state) {
  run([&] {
    const Channel<int> ping;
    const Channel<int> pong;
    auto other = spawn([=] { echo(ping, pong); });
    for ([[maybe_unused]] auto _ : state) {
      ping.send(1);
      pong.receive();
    }
    report_items(state, 2 * state.iterations());
    ping.close();
    other.join();
  });
}
BENCHMARK(channel_ping_pong)->Name("channel/colibri");

/// Between two schedulers, by `clock`: the work of both threads, or the time that passes.
template <double (*clock)()>
void channel_between_threads(benchmark::State& state) {
  const Channel<int> ping;
  const Channel<int> pong;
  std::thread other([=] { run([=] { echo(ping, pong); }); });
  run([&] {
    const double begun = clock();
    for ([[maybe_unused]] auto _ : state) {
      ping.send(1);
      pong.receive();
    }
    state.counters["ns"] = (clock() - begun) / static_cast<double>(2 * state.iterations());
    ping.close();
  });
  other.join();
}
BENCHMARK(channel_between_threads<process_nanoseconds>)->Name("channel_threads/colibri");
BENCHMARK(channel_between_threads<wall_nanoseconds>)->Name("channel_threads_time/colibri");

void stream(benchmark::State& state) {
  run([&] {
    const Channel<int> numbers(128);
    auto producer = spawn([=] {
      for (int i = 0; numbers.send(i); ++i) {
      }
    });
    for ([[maybe_unused]] auto _ : state) numbers.receive();
    report_items(state, state.iterations());
    numbers.close();
    producer.join();
  });
}
BENCHMARK(stream)->Name("stream/colibri");

void select_of_four(benchmark::State& state) {
  run([&] {
    const Channel<int> all[4];
    bool stop = false;
    auto producer = spawn([&] {
      unsigned next = 0;
      while (!stop) all[next++ % 4].send(1);
    });
    const auto nothing = [](int) {};
    for ([[maybe_unused]] auto _ : state) {
      select(on_receive(all[0], nothing), on_receive(all[1], nothing), on_receive(all[2], nothing),
             on_receive(all[3], nothing));
    }
    report_items(state, state.iterations());
    stop = true;
    for (const auto& channel : all) channel.close();
    producer.join();
  });
}
BENCHMARK(select_of_four)->Name("select4/colibri");

/// A process with a second thread, so that nobody takes the way of single-threaded programs.
class SecondThread {
 public:
  SecondThread() : thread_([this] { over_.wait(); }) {}
  ~SecondThread() {
    over_.set();
    thread_.join();
  }

 private:
  Event over_;
  std::thread thread_;
};

void mutex_of_one_scheduler(benchmark::State& state) {
  const SecondThread second;
  run([&] {
    Mutex mutex;
    for ([[maybe_unused]] auto _ : state) {
      const std::lock_guard lock(mutex);
      benchmark::ClobberMemory();
    }
    report_items(state, state.iterations());
  });
}
BENCHMARK(mutex_of_one_scheduler)->Name("mutex/colibri");

void mutex_used_by_two_threads(benchmark::State& state) {
  run([&] {
    Mutex mutex;
    mutex.lock();
    mutex.unlock();
    std::thread([&] { const std::lock_guard lock(mutex); }).join();
    const SecondThread second;
    for ([[maybe_unused]] auto _ : state) {
      const std::lock_guard lock(mutex);
      benchmark::ClobberMemory();
    }
    report_items(state, state.iterations());
  });
}
BENCHMARK(mutex_used_by_two_threads)->Name("mutex/colibri_shared");

void mutex_handoff(benchmark::State& state) {
  run([&] {
    Mutex mutex;
    bool stop = false;
    std::int64_t turns = 0;
    const auto take_turn = [&] {
      {
        const std::lock_guard lock(mutex);
        ++turns;
        yield();
      }
      yield();
    };
    const auto contend = [&] {
      while (!stop) take_turn();
    };
    auto first = spawn(contend);
    auto second = spawn(contend);
    for ([[maybe_unused]] auto _ : state) take_turn();
    report_items(state, turns);
    stop = true;
    first.join();
    second.join();
  });
}
BENCHMARK(mutex_handoff)->Name("mutex_handoff/colibri");

/// A tree of coroutines, ten below each, whose leaves send their numbers up; branch by branch.
void skynet(const Channel<std::int64_t>& parent, std::int64_t number, std::int64_t size) {
  if (size == 1) {
    parent.send(number);
    return;
  }
  const Channel<std::int64_t> children(10);
  for (std::int64_t i = 0; i < 10; ++i) {
    go(SpawnOptions{.stack_bytes = 16 * 1024, .at_once = true},
       [=] { skynet(children, number + i * (size / 10), size / 10); });
  }
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) sum += *children.receive();
  parent.send(sum);
}

void skynet_of_a_million(benchmark::State& state) {
  constexpr std::int64_t kLeaves = 1'000'000;
  run([&] {
    for ([[maybe_unused]] auto _ : state) {
      const Channel<std::int64_t> root;
      go([=] { skynet(root, 0, kLeaves); });
      if (root.receive() != kLeaves * (kLeaves - 1) / 2) state.SkipWithError("a wrong sum");
    }
  });
  report_items(state, kLeaves * state.iterations());
}
BENCHMARK(skynet_of_a_million)->Name("skynet/colibri");

/// The ten subtrees below the root on two schedulers.
void skynet_on_two_threads(benchmark::State& state) {
  constexpr std::int64_t kLeaves = 1'000'000;
  Runtime runtime(2);
  const double begun = wall_nanoseconds();
  for ([[maybe_unused]] auto _ : state) {
    const Channel<std::int64_t> root;
    for (std::int64_t i = 0; i < 10; ++i) {
      runtime.go([=] { skynet(root, i * (kLeaves / 10), kLeaves / 10); });
    }
    std::int64_t sum = 0;
    for (int i = 0; i < 10; ++i) sum += *root.receive();
    if (sum != kLeaves * (kLeaves - 1) / 2) state.SkipWithError("a wrong sum");
  }
  state.counters["ns"] =
      (wall_nanoseconds() - begun) / static_cast<double>(kLeaves * state.iterations());
}
BENCHMARK(skynet_on_two_threads)->Name("skynet_threads/colibri");

constexpr int kPrimes = 500;

void sieve(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    run([&] {
      Channel<int> numbers;
      go([numbers] {
        for (int number = 2;; ++number) numbers.send(number);
      });
      for (int i = 0; i < kPrimes; ++i) {
        const int prime = *numbers.receive();
        const Channel<int> filtered;
        go([from = numbers, filtered, prime] {
          for (int number : from) {
            if (number % prime != 0) filtered.send(number);
          }
        });
        numbers = filtered;
      }
    });
  }
  report_items(state, kPrimes * state.iterations());
}
BENCHMARK(sieve)->Name("sieve/colibri");

constexpr int kRing = 1'000;

void ring(benchmark::State& state) {
  run([&] {
    const Channel<int> first;
    Channel<int> last = first;
    for (int i = 0; i < kRing; ++i) {
      const Channel<int> next;
      go([from = last, next] {
        for (int token : from) next.send(token + 1);
        next.close();
      });
      last = next;
    }
    for ([[maybe_unused]] auto _ : state) {
      first.send(0);
      if (last.receive() != kRing) state.SkipWithError("a wrong token");
    }
    report_items(state, (kRing + 1) * state.iterations());
    first.close();
  });
}
BENCHMARK(ring)->Name("ring/colibri");

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
