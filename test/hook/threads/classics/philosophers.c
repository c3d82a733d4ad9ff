// Five philosophers and five forks, the lower one first: all eat, and neighbours never at once.
#include "test/hook/threads/classics/steps.h"

enum { kSeats = 5, kMeals = 20 };

static pthread_mutex_t forks[kSeats];
static int eats[kSeats];
static int meals[kSeats];
static int quarrels;

static void* dine(void* number) {
  const int seat = (int)(intptr_t)number;
  const int next = (seat + 1) % kSeats;
  for (int i = 0; i < kMeals; ++i) {
    must(pthread_mutex_lock(&forks[seat < next ? seat : next]));
    sched_yield();
    must(pthread_mutex_lock(&forks[seat < next ? next : seat]));
    eats[seat] = 1;
    sched_yield();
    quarrels += eats[next] + eats[(seat + kSeats - 1) % kSeats];
    ++meals[seat];
    eats[seat] = 0;
    must(pthread_mutex_unlock(&forks[seat]));
    must(pthread_mutex_unlock(&forks[next]));
    sched_yield();
  }
  return NULL;
}

int main(void) {
  for (int i = 0; i < kSeats; ++i) must(pthread_mutex_init(&forks[i], NULL));
  run_all(kSeats, &dine);
  for (int i = 0; i < kSeats; ++i) printf("%d meals\n", meals[i]);
  printf("%d quarrels\n", quarrels);
}
