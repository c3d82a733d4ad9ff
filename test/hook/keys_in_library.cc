// Makes keys as an allocator does, or as any other library, by the name of its file; see
// specific_test.cc.
#include <pthread.h>

extern "C" {

int make_key_in_library(pthread_key_t* key, void (*destructor)(void*)) {
  // Not as a tail call, which would look like one of the caller's.
  const int result = pthread_key_create(key, destructor);
  return result == 0 ? 0 : -1;
}

}  // extern "C"
