// Threads that go from step to step together: nobody is ever two steps ahead, and in each step one
// of them is told that it is the last.
#include "test/hook/threads/classics/steps.h"

enum { kThreads = 5, kSteps = 12 };

static pthread_barrier_t barrier;
static _Atomic int steps[kThreads];  // looked at while others go on
static int hurried[kThreads], lasts[kThreads];

static void* run(void* number) {
  const int who = (int)(intptr_t)number;
  for (int step = 0; step < kSteps; ++step) {
    steps[who] = step;
    if ((who + step) % 2 == 0) sched_yield();
    const int result = pthread_barrier_wait(&barrier);
    if (result == PTHREAD_BARRIER_SERIAL_THREAD)
      ++lasts[who];
    else
      must(result);
    for (int i = 0; i < kThreads; ++i) hurried[who] += steps[i] < step || steps[i] > step + 1;
  }
  return NULL;
}

int main(void) {
  must(pthread_barrier_init(&barrier, NULL, kThreads));
  run_all(kThreads, &run);
  int all_hurried = 0, all_lasts = 0;
  for (int i = 0; i < kThreads; ++i) all_hurried += hurried[i], all_lasts += lasts[i];
  printf("%d hurried, %d were the last\n", all_hurried, all_lasts);
  must(pthread_barrier_destroy(&barrier));
}
