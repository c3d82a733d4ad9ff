// What locks cost without contention: libc's own, the hooks in a plain thread, and the hooks in a
// coroutine, in one run. The second group runs beside a second thread, from when on mutexes need a
// bus lock; what else there is always does.
#include <benchmark/benchmark.h>
#include <pthread.h>
#include <semaphore.h>

#include <chrono>
#include <string>
#include <thread>

#include "bench/micro/report.h"
#include "colibri/core/libc.h"
#include "colibri/core/run.h"

namespace colibri::bench {
namespace {

/// The two calls that make a pair.
template <class Object>
struct Calls {
  int (*take)(Object*);
  int (*give)(Object*);
};

/// libc's own functions of these names.
template <class Object>
Calls<Object> of_libc(const char* take, const char* give) {
  using Function = int (*)(Object*);
  return {reinterpret_cast<Function>(require_real_function(take)),
          reinterpret_cast<Function>(require_real_function(give))};
}

template <class Object>
void take_and_give(benchmark::State& state, Object object, const Calls<Object>& calls) {
  // By pointers that the compiler does not see through, whoever is called.
  int (*volatile take)(Object*) = calls.take;
  int (*volatile give)(Object*) = calls.give;
  const auto taking = take;
  const auto giving = give;
  for ([[maybe_unused]] auto _ : state) {
    taking(&object);
    benchmark::ClobberMemory();
    giving(&object);
  }
  report_items(state, state.iterations());
}

/// From now on the process has a second thread, asleep.
void start_second_thread() {
  static std::jthread second([](const std::stop_token& over) {
    while (!over.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
}

/// `object` is as libc and the hooks both want it.
template <class Object>
void add(const std::string& subject, bool beside_a_thread, Object object, const char* take,
         const char* give, const Calls<Object>& hooks) {
  const auto add_one = [&](const char* library, auto function) {
    const std::string name = subject + (beside_a_thread ? "" : "_single_threaded") + "/" + library;
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      if (beside_a_thread) start_second_thread();
      function(state);
    });
  };
  add_one("libc", [=](benchmark::State& state) {
    take_and_give(state, object, of_libc<Object>(take, give));
  });
  add_one("hooks", [=](benchmark::State& state) { take_and_give(state, object, hooks); });
  add_one("hooks_in_coroutine",
          [=](benchmark::State& state) { run([&] { take_and_give(state, object, hooks); }); });
}

sem_t semaphore_of(unsigned value) {
  sem_t semaphore;
  sem_init(&semaphore, 0, value);
  return semaphore;
}

void register_all(bool beside_a_thread) {
  const Calls<pthread_mutex_t> mutex{pthread_mutex_lock, pthread_mutex_unlock};
  add("pthread_mutex", beside_a_thread, pthread_mutex_t PTHREAD_MUTEX_INITIALIZER,
      "pthread_mutex_lock", "pthread_mutex_unlock", mutex);
  add("recursive_mutex", beside_a_thread, pthread_mutex_t PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
      "pthread_mutex_lock", "pthread_mutex_unlock", mutex);
  const pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
  add("rwlock_read", beside_a_thread, lock, "pthread_rwlock_rdlock", "pthread_rwlock_unlock",
      Calls<pthread_rwlock_t>{pthread_rwlock_rdlock, pthread_rwlock_unlock});
  add("rwlock_write", beside_a_thread, lock, "pthread_rwlock_wrlock", "pthread_rwlock_unlock",
      Calls<pthread_rwlock_t>{pthread_rwlock_wrlock, pthread_rwlock_unlock});
  add("semaphore", beside_a_thread, semaphore_of(1), "sem_wait", "sem_post",
      Calls<sem_t>{sem_wait, sem_post});
}

}  // namespace
}  // namespace colibri::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  colibri::bench::register_all(false);
  colibri::bench::register_all(true);
  benchmark::RunSpecifiedBenchmarks();
}
