// What pthread_mutex_lock and unlock cost without contention: libc's own, the hooks in a plain
// thread, and the hooks in a coroutine, in one run. The second group runs beside a second thread,
// from when on locks need a bus lock.
#include <benchmark/benchmark.h>
#include <pthread.h>

#include <chrono>
#include <string>
#include <thread>

#include "bench/micro/report.h"
#include "colibri/core/libc.h"
#include "colibri/core/run.h"

namespace colibri::bench {
namespace {

template <class Lock, class Unlock>
void lock_and_unlock(benchmark::State& state, Lock lock, Unlock unlock, int kind) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, kind);
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, &attributes);
  for ([[maybe_unused]] auto _ : state) {
    lock(&mutex);
    benchmark::ClobberMemory();
    unlock(&mutex);
  }
  report_items(state, state.iterations());
}

void with_libc(benchmark::State& state, int kind) {
  lock_and_unlock(state, real::pthread_mutex_lock.get(), real::pthread_mutex_unlock.get(), kind);
}

void with_hooks(benchmark::State& state, int kind) {
  // By pointers, as libc's, so that both are called alike.
  auto* volatile lock = &pthread_mutex_lock;
  auto* volatile unlock = &pthread_mutex_unlock;
  lock_and_unlock(state, +lock, +unlock, kind);
}

void with_hooks_in_coroutine(benchmark::State& state, int kind) {
  run([&] { with_hooks(state, kind); });
}

/// From now on the process has a second thread, asleep.
void start_second_thread() {
  static std::jthread second([](const std::stop_token& over) {
    while (!over.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
}

void register_all(bool beside_a_thread) {
  const auto add = [&](const std::string& subject, const char* library, auto function, int kind) {
    const std::string name = subject + (beside_a_thread ? "" : "_single_threaded") + "/" + library;
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      if (beside_a_thread) start_second_thread();
      function(state, kind);
    });
  };
  for (const auto& [subject, kind] : {std::pair("pthread_mutex", PTHREAD_MUTEX_NORMAL),
                                      std::pair("recursive_mutex", PTHREAD_MUTEX_RECURSIVE)}) {
    add(subject, "libc", with_libc, kind);
    add(subject, "hooks", with_hooks, kind);
    add(subject, "hooks_in_coroutine", with_hooks_in_coroutine, kind);
  }
}

}  // namespace
}  // namespace colibri::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  colibri::bench::register_all(false);
  colibri::bench::register_all(true);
  benchmark::RunSpecifiedBenchmarks();
}
