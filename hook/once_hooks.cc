// pthread_once, and call_once of C11, which libc builds on an inner call.
#include <pthread.h>
#include <threads.h>

#include "colibri/hook/once_body.h"

using namespace colibri;

extern "C" {

int pthread_once(pthread_once_t* once, void (*routine)()) {
  OnceBody::of(once).run(routine, __builtin_return_address(0));
  return 0;
}

void call_once(once_flag* flag, void (*routine)()) {
  static_assert(sizeof(once_flag) == sizeof(pthread_once_t));
  OnceBody::of(&flag->__data).run(routine, __builtin_return_address(0));
}

}  // extern "C"
