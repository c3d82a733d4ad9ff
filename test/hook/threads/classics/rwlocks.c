// A table under a reader-writer lock: who holds it to write is alone, readers are many.
#include "test/hook/threads/classics/steps.h"

enum { kThreads = 6, kRounds = 20, kRows = 8 };

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int table[kRows];
static int inside_to_write, intruders;
static int odd_tables;
static pthread_mutex_t counts = PTHREAD_MUTEX_INITIALIZER;

static void write_table(int row) {
  must(pthread_rwlock_wrlock(&lock));
  intruders += inside_to_write++;
  ++table[row];
  sched_yield();
  --table[(row + 1) % kRows];
  --inside_to_write;
  must(pthread_rwlock_unlock(&lock));
}

static void read_table(void) {
  int sum = 0;
  must(pthread_rwlock_rdlock(&lock));
  const int writers = inside_to_write;
  for (int i = 0; i < kRows; ++i) sum += table[i];
  sched_yield();
  for (int i = 0; i < kRows; ++i) sum += table[i];
  must(pthread_rwlock_unlock(&lock));
  must(pthread_mutex_lock(&counts));
  odd_tables += sum != 0 || writers != 0;
  must(pthread_mutex_unlock(&counts));
}

static void* run(void* number) {
  const int who = (int)(intptr_t)number;
  for (int i = 0; i < kRounds; ++i) {
    (who + i) % 3 == 0 ? write_table(i % kRows) : read_table();
    sched_yield();
  }
  return NULL;
}

int main(void) {
  run_all(kThreads, &run);
  const int refused = pthread_rwlock_wrlock(&lock) == 0 ? pthread_rwlock_tryrdlock(&lock) : -1;
  printf("%d intruders, %d odd tables, %s\n", intruders, odd_tables,
         refused == EBUSY ? "busy" : "?");
}
