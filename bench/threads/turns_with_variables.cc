// What a switch between threads that are coroutines costs, with so many bytes of thread-local
// variables as it was built for (kBytes). A program that knows nothing of colibri.
//
//   colibri run --threads=coroutines [--tls=share] turns_with_variables_1024
//   1024 bytes: 31.5 ns a turn
//
// With the argument `masks`, the signal masks of the two differ as well.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
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

int main(int count, char**) {
  pthread_t threads[kThreads];
  pthread_attr_t with_mask;
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  pthread_attr_init(&with_mask);
  if (count > 1) pthread_attr_setsigmask_np(&with_mask, &mask);
  const double begin = nanoseconds_now();
  pthread_create(&threads[0], nullptr, &take_turns, nullptr);
  pthread_create(&threads[1], &with_mask, &take_turns, nullptr);
  for (const pthread_t each : threads) pthread_join(each, nullptr);
  const double took = nanoseconds_now() - begin;
  std::printf("%d bytes: %.1f ns a turn\n", kBytes, took / kThreads / kTurns);
}
