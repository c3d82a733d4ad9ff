// Producers and consumers of a small ring of numbers, with a mutex and two conditions. Every number
// comes out once. With an argument, says who took turns with whom: that is the order's.
#include "test/hook/threads/classics/steps.h"

enum { kRoom = 4, kProducers = 3, kConsumers = 2, kEach = 20 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static int ring[kRoom];
static int first, used, left = kProducers * kEach;
static long sum;
static int times[kProducers * kEach];
static char turns[4 * kProducers * kEach];
static int turn_count;

static void produce(int who) {
  for (int i = 0; i < kEach; ++i) {
    must(pthread_mutex_lock(&mutex));
    while (used == kRoom) must(pthread_cond_wait(&not_full, &mutex));
    ring[(first + used++) % kRoom] = who * kEach + i;
    turns[turn_count++] = (char)('a' + who);
    must(pthread_cond_signal(&not_empty));
    must(pthread_mutex_unlock(&mutex));
    sched_yield();
  }
}

static void consume(int who) {
  must(pthread_mutex_lock(&mutex));
  for (;;) {
    while (used == 0 && left != 0) must(pthread_cond_wait(&not_empty, &mutex));
    if (left == 0) break;
    const int number = ring[first];
    first = (first + 1) % kRoom;
    --used, --left, ++times[number], sum += number;
    turns[turn_count++] = (char)('A' + who);
    must(pthread_cond_signal(&not_full));
    if (left == 0) must(pthread_cond_broadcast(&not_empty));
    must(pthread_mutex_unlock(&mutex));
    sched_yield();
    must(pthread_mutex_lock(&mutex));
  }
  must(pthread_mutex_unlock(&mutex));
}

static void* run(void* number) {
  const int who = (int)(intptr_t)number;
  who < kProducers ? produce(who) : consume(who - kProducers);
  return NULL;
}

int main(int count, char** arguments) {
  (void)arguments;
  run_all(kProducers + kConsumers, &run);
  if (count > 1) return puts(turns) < 0;
  int once = 0;
  for (int i = 0; i < kProducers * kEach; ++i) once += times[i] == 1;
  printf("%d numbers came out once, their sum is %ld\n", once, sum);
}
