#include "samples/stackless_bridge/costs.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "colibri/colibri.h"
#include "colibri/core/stackless.h"
#include "samples/stackless_bridge/lazy.h"

namespace {

constexpr int kRounds = 9;
constexpr int kCalls = 200'000;
constexpr int kCoroutines = 50'000;

/// Nanoseconds for each of `count` things that `work` does.
template <class Work>
double nanoseconds_each(int count, Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  return took.count() / count;
}

// A call of another function, which the compiler must not look into.
[[gnu::noinline]] int add_one(int number) {
  asm volatile("" : "+r"(number));
  return number + 1;
}
[[gnu::noinline]] Lazy<int> add_one_stackless(int number) {
  co_return number + 1;
}
Lazy<int> call_stackless() {
  int sum = 0;
  for (int i = 0; i < kCalls; ++i) sum = co_await add_one_stackless(sum);
  co_return sum;
}

double call(bool stackless) {
  return nanoseconds_each(kCalls, [stackless] {
    if (stackless) {
      colibri::await(call_stackless());
      return;
    }
    int sum = 0;
    for (int i = 0; i < kCalls; ++i) sum = add_one(sum);
  });
}

// A switch: one way, to a coroutine or back from it.
struct Stops {
  struct promise_type {
    Stops get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};
Stops stop_again_and_again() {
  for (;;) co_await std::suspend_always();
}

double switch_stackless() {
  const Stops coroutine = stop_again_and_again();
  const double result = nanoseconds_each(2 * kCalls, [&] {
    for (int i = 0; i < kCalls; ++i) coroutine.handle.resume();
  });
  coroutine.handle.destroy();
  return result;
}

double switch_stackful() {
  bool stop = false;
  colibri::Coroutine coroutine([&stop] {
    while (!stop) colibri::Coroutine::yield();
  });
  const double result = nanoseconds_each(2 * kCalls, [&] {
    for (int i = 0; i < kCalls; ++i) coroutine.resume();
  });
  stop = true;
  coroutine.resume();
  return result;
}

// Memory: what is resident for coroutines that wait for the same future, each of them.
double resident_bytes() {
  long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

Lazy<int> wait_stackless(colibri::Future<void> future) {
  co_await future;
  co_return 0;
}
colibri::DetachedStackless begin(Lazy<int> lazy) {
  co_await std::move(lazy);
}

template <class Start>
double memory(Start start) {
  colibri::Promise<void> promise;
  const double before = resident_bytes();
  for (int i = 0; i < kCoroutines; ++i) start(promise.future());
  colibri::yield();
  const double after = resident_bytes();
  promise.set();
  colibri::yield();
  colibri::trim_now();
  return (after - before) / kCoroutines;
}

double memory_stackful(const colibri::SharedStackGroup* group) {
  return memory([group](const colibri::Future<void>& future) {
    colibri::go(colibri::SpawnOptions{.shared_stacks = group}, [future] { future.wait(); });
  });
}
double memory_stackless() {
  return memory([](const colibri::Future<void>& future) { begin(wait_stackless(future)); });
}

/// The smallest of several rounds, taken in turns.
struct Costs {
  double call = 1e9;
  double switching = 1e9;
  double memory = 0;

  void add(double call_now, double switching_now) {
    call = std::min(call, call_now);
    switching = std::min(switching, switching_now);
  }
};

}  // namespace

int print_costs() {
  return colibri::run([] {
    Costs stackful;
    Costs stackless;
    const colibri::SharedStackGroup group(1, 256 * 1024);
    const double shared_memory = memory_stackful(&group);
    stackless.memory = memory_stackless();
    stackful.memory = memory_stackful(nullptr);
    for (int i = 0; i < kRounds; ++i) {
      stackful.add(call(false), switch_stackful());
      stackless.add(call(true), switch_stackless());
    }
    std::printf("%-40s %10s %10s\n", "", "stackful", "C++20");
    std::printf("%-40s %10.1f %10.1f\n", "a call that might wait, ns", stackful.call,
                stackless.call);
    std::printf("%-40s %10.1f %10.1f\n", "a switch, one way, ns", stackful.switching,
                stackless.switching);
    std::printf("%-40s %10.0f %10.0f\n", "one that waits for a future, bytes", stackful.memory,
                stackless.memory);
    std::printf("%-40s %10.0f\n", "the same on a shared stack, bytes", shared_memory);
  });
}
