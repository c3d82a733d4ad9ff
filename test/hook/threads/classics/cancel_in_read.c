// Threads that are cancelled in the midst of read, with a lock that their handlers give back, and
// one that got its byte before.
#include "test/hook/threads/classics/steps.h"

enum { kThreads = 4 };

static int ends[kThreads][2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int reading, cleaned;

static void clean(void* unused) {
  (void)unused;
  must(pthread_mutex_lock(&mutex));
  ++cleaned;
  must(pthread_mutex_unlock(&mutex));
}

static void* read_one(void* number) {
  char byte = '-';
  must(pthread_mutex_lock(&mutex));
  ++reading;
  must(pthread_cond_signal(&changed));
  must(pthread_mutex_unlock(&mutex));
  pthread_cleanup_push(&clean, NULL);
  must_be(read(ends[(intptr_t)number][0], &byte, 1) == 1);
  pthread_cleanup_pop(0);
  return (void*)(intptr_t)byte;
}

int main(void) {
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    must_be(pipe(ends[i]) == 0);
    must(pthread_create(&threads[i], NULL, &read_one, (void*)(intptr_t)i));
  }
  must(pthread_mutex_lock(&mutex));
  while (reading != kThreads) must(pthread_cond_wait(&changed, &mutex));
  must(pthread_mutex_unlock(&mutex));
  must_be(write(ends[0][1], "x", 1) == 1);
  void* value;
  must(pthread_join(threads[0], &value));
  printf("read %c\n", (char)(intptr_t)value);
  for (int i = 1; i < kThreads; ++i) must(pthread_cancel(threads[i]));
  for (int i = 1; i < kThreads; ++i) {
    must(pthread_join(threads[i], &value));
    puts(value == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
  }
  printf("%d cleaned\n", cleaned);
}
