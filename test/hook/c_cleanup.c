/* Cleanup handlers as C code without exceptions has them: by buffers of setjmp. */
#include "test/hook/c_cleanup.h"

#include <pthread.h>

void with_c_cleanups(void (*note)(void* initial), void (*body)(void)) {
  static char outer = 'o', inner = 'i';
  pthread_cleanup_push(note, &outer);
  pthread_cleanup_push(note, &inner);
  body();
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(1);
}
