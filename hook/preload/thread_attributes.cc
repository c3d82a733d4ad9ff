// pthread_getattr_np: inside a coroutine, the stack that the caller runs on. Garbage collectors and
// interpreters ask for it, to know how deep they may go and where to look for pointers. For
// programs that know nothing of colibri; in others it would stand in the way of sanitizers, which
// ask before a thread is ready for anybody's code.
#include <pthread.h>

#include "colibri/core/libc.h"
#include "colibri/core/stack_of.h"

using namespace colibri;

extern "C" int pthread_getattr_np(pthread_t thread, pthread_attr_t* attributes) noexcept {
  const int result = real::pthread_getattr_np(thread, attributes);
  const ControlBlock* self = thread_state.current;
  if (result != 0 || self == nullptr || pthread_equal(thread, pthread_self()) == 0) return result;
  PrivateStack& stack = stack_of(*self);
  return pthread_attr_setstack(attributes, stack.low, stack.usable_bytes());
}
