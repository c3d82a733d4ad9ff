// Names of locks that programs built long ago import from libc, which has them for these alone: new
// ones cannot be linked with them. So only the library that is preloaded defines them.
#include <pthread.h>

extern "C" {

int __pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) {
  return pthread_mutex_init(mutex, attributes);
}
int __pthread_mutex_destroy(pthread_mutex_t* mutex) {
  return pthread_mutex_destroy(mutex);
}
int __pthread_mutex_lock(pthread_mutex_t* mutex) {
  return pthread_mutex_lock(mutex);
}
int __pthread_mutex_trylock(pthread_mutex_t* mutex) {
  return pthread_mutex_trylock(mutex);
}
int __pthread_mutex_unlock(pthread_mutex_t* mutex) {
  return pthread_mutex_unlock(mutex);
}

int __pthread_rwlock_init(pthread_rwlock_t* lock, const pthread_rwlockattr_t* attributes) {
  return pthread_rwlock_init(lock, attributes);
}
int __pthread_rwlock_destroy(pthread_rwlock_t* lock) {
  return pthread_rwlock_destroy(lock);
}
int __pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  return pthread_rwlock_rdlock(lock);
}
int __pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) {
  return pthread_rwlock_tryrdlock(lock);
}
int __pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  return pthread_rwlock_wrlock(lock);
}
int __pthread_rwlock_trywrlock(pthread_rwlock_t* lock) {
  return pthread_rwlock_trywrlock(lock);
}
int __pthread_rwlock_unlock(pthread_rwlock_t* lock) {
  return pthread_rwlock_unlock(lock);
}

int __pthread_once(pthread_once_t* once, void (*routine)()) {
  return pthread_once(once, routine);
}

}  // extern "C"
