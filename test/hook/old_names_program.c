/* A program as if built long ago: it locks by names that libc keeps for such programs, and by the
 * usual ones. If the old ones came to no hook, one implementation would lock what another looks at:
 * libc's mutexes belong to a thread by its id, and its read-write locks count in other words. */
#include <pthread.h>
#include <stdio.h>

#define OLD(name) __asm__(".symver old_" #name ", __pthread_" #name "@GLIBC_2.2.5")
int old_mutex_init(pthread_mutex_t*, const pthread_mutexattr_t*);
int old_mutex_destroy(pthread_mutex_t*);
int old_mutex_lock(pthread_mutex_t*);
int old_mutex_trylock(pthread_mutex_t*);
int old_mutex_unlock(pthread_mutex_t*);
int old_rwlock_init(pthread_rwlock_t*, const pthread_rwlockattr_t*);
int old_rwlock_destroy(pthread_rwlock_t*);
int old_rwlock_rdlock(pthread_rwlock_t*);
int old_rwlock_tryrdlock(pthread_rwlock_t*);
int old_rwlock_wrlock(pthread_rwlock_t*);
int old_rwlock_trywrlock(pthread_rwlock_t*);
int old_rwlock_unlock(pthread_rwlock_t*);
int old_once(pthread_once_t*, void (*)(void));
OLD(mutex_init);
OLD(mutex_destroy);
OLD(mutex_lock);
OLD(mutex_trylock);
OLD(mutex_unlock);
OLD(rwlock_init);
OLD(rwlock_destroy);
OLD(rwlock_rdlock);
OLD(rwlock_tryrdlock);
OLD(rwlock_wrlock);
OLD(rwlock_trywrlock);
OLD(rwlock_unlock);
OLD(once);

static void say_that_it_runs(void) {
  puts("runs");
}
static void say(const char* what, int result) {
  printf("%s %d\n", what, result);
}

static void lock_mutex(void) {
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_t mutex;
  say("init", old_mutex_init(&mutex, &recursive));
  say("old lock", old_mutex_lock(&mutex));
  say("lock", pthread_mutex_lock(&mutex));
  say("old trylock", old_mutex_trylock(&mutex));
  for (int i = 0; i < 2; ++i) {
    say("old unlock", old_mutex_unlock(&mutex));
    say("unlock", pthread_mutex_unlock(&mutex));
  }
  say("destroy", old_mutex_destroy(&mutex));
}

static void lock_rwlock(void) {
  pthread_rwlock_t lock;
  say("init", old_rwlock_init(&lock, NULL));
  say("old rdlock", old_rwlock_rdlock(&lock));
  say("old tryrdlock", old_rwlock_tryrdlock(&lock));
  say("trywrlock", pthread_rwlock_trywrlock(&lock));
  say("old unlock", old_rwlock_unlock(&lock));
  say("unlock", pthread_rwlock_unlock(&lock));
  say("old trywrlock", old_rwlock_trywrlock(&lock));
  say("tryrdlock", pthread_rwlock_tryrdlock(&lock));
  say("old unlock", old_rwlock_unlock(&lock));
  say("old wrlock", old_rwlock_wrlock(&lock));
  say("rdlock", pthread_rwlock_rdlock(&lock));
  say("unlock", pthread_rwlock_unlock(&lock));
  say("destroy", old_rwlock_destroy(&lock));
}

int main(void) {
  lock_mutex();
  lock_rwlock();
  pthread_once_t once = PTHREAD_ONCE_INIT;
  say("old once", old_once(&once, say_that_it_runs));
  say("once", pthread_once(&once, say_that_it_runs));
  return 0;
}
