// What a switch between threads that are coroutines costs, with so many bytes of thread-local
// variables as it was built for (kBytes). A program that knows nothing of colibri.
//
//   colibri run --threads=coroutines [--tls=share] turns_with_variables_1024
//   1024 bytes: 31.5 ns a turn
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <cstdio>

namespace {

constexpr int kBytes = COLIBRI_BYTES;
constexpr int kTurns = 2'000'000;
constexpr int kThreads = 2;

thread_local volatile char variables[kBytes] = {1};

void* take_turns(void*) {
  for (int i = 0; i < kTurns; ++i) {
    variables[i % kBytes] = static_cast<char>(i);
    sched_yield();
  }
  return nullptr;
}

double nanoseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace

int main() {
  pthread_t threads[kThreads];
  const double begin = nanoseconds_now();
  for (pthread_t& each : threads) pthread_create(&each, nullptr, &take_turns, nullptr);
  for (const pthread_t each : threads) pthread_join(each, nullptr);
  const double took = nanoseconds_now() - begin;
  std::printf("%d bytes: %.1f ns a turn\n", kBytes, took / kThreads / kTurns);
}
