// Readers and writers by semaphores, as Courtois, Heymans and Parnas have them: readers never see a
// half of what a writer writes.
#include <semaphore.h>

#include "test/hook/threads/classics/steps.h"

enum { kReaders = 5, kWriters = 2, kRounds = 15 };

static sem_t may_write, may_count;
static int readers;
static int left_half, right_half;
static int torn, reads;

static void read_both(void) {
  must_be(sem_wait(&may_count) == 0);
  if (++readers == 1) must_be(sem_wait(&may_write) == 0);
  must_be(sem_post(&may_count) == 0);
  const int left = left_half;
  sched_yield();
  const int is_torn = left != right_half;
  must_be(sem_wait(&may_count) == 0);
  torn += is_torn, ++reads;
  if (--readers == 0) must_be(sem_post(&may_write) == 0);
  must_be(sem_post(&may_count) == 0);
}

static void write_both(void) {
  must_be(sem_wait(&may_write) == 0);
  ++left_half;
  sched_yield();
  ++right_half;
  must_be(sem_post(&may_write) == 0);
}

static void* run(void* number) {
  for (int i = 0; i < kRounds; ++i) {
    (intptr_t) number < kReaders ? read_both() : write_both();
    sched_yield();
  }
  return NULL;
}

int main(void) {
  must_be(sem_init(&may_write, 0, 1) == 0 && sem_init(&may_count, 0, 1) == 0);
  run_all(kReaders + kWriters, &run);
  printf("%d reads, %d torn, %d and %d writes\n", reads, torn, left_half, right_half);
}
