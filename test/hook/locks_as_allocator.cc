// A library whose file name is that of an allocator; see allocator_lock_test.cc.
#include <pthread.h>

extern "C" int lock_as_allocator(pthread_mutex_t* mutex) {
  const int result = pthread_mutex_lock(mutex);
  return result == 0 ? pthread_mutex_unlock(mutex) : result;
}
