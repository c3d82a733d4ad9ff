// Destructors of thread-specific data that set values again, of their own key and of the other one:
// they are called as often as POSIX has it, each with the value that was set.
#include <limits.h>

#include "test/hook/threads/classics/steps.h"

enum { kThreads = 6 };

static pthread_key_t own, other;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int calls_of_own, calls_of_other;
static intptr_t sum;

static void note(int* calls, intptr_t value) {
  sched_yield();
  must(pthread_mutex_lock(&mutex));
  ++*calls;
  sum += value;
  must(pthread_mutex_unlock(&mutex));
}

static void destroy_own(void* value) {
  note(&calls_of_own, (intptr_t)value);
  must(pthread_setspecific(own, (char*)value + 1));
}

static void destroy_other(void* value) {
  note(&calls_of_other, (intptr_t)value);
  if ((intptr_t)value == 1) must(pthread_setspecific(other, (void*)2));
}

static void* run(void* number) {
  must_be(pthread_getspecific(own) == NULL && pthread_getspecific(other) == NULL);
  must(pthread_setspecific(own, (void*)(10 + (intptr_t)number)));
  must(pthread_setspecific(other, (void*)1));
  sched_yield();
  must_be(pthread_getspecific(own) == (void*)(10 + (intptr_t)number));
  return NULL;
}

int main(void) {
  must(pthread_key_create(&own, &destroy_own));
  must(pthread_key_create(&other, &destroy_other));
  run_all(kThreads, &run);
  const int as_posix_says = calls_of_own == kThreads * PTHREAD_DESTRUCTOR_ITERATIONS;
  printf("%s, %d of the other, sum %ld\n", as_posix_says ? "all rounds" : "other rounds",
         calls_of_other, (long)sum);
}
