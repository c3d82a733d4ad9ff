// pthread_getattr_np: inside a coroutine, the stack that the caller runs on. Garbage collectors and
// interpreters ask for it, to know how deep they may go and where to look for pointers. For
// programs that know nothing of colibri; in others it would stand in the way of sanitizers, which
// ask before a thread is ready for anybody's code.
#include <pthread.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/core/stack_of.h"
#include "colibri/hook/threads/emulated_thread.h"

namespace colibri {
namespace {

int describe_stack(const ControlBlock& coroutine, pthread_attr_t* attributes) noexcept {
  PrivateStack& stack = stack_of(coroutine);
  return pthread_attr_setstack(attributes, stack.low, stack.usable_bytes());
}

/// Of a thread that is a coroutine, of this scheduler.
int describe_thread(EmulatedThread& thread, pthread_attr_t* attributes) noexcept {
  const SmallLockGuard guard(thread.lock);
  if (thread.coroutine == nullptr || thread_state.scheduler == nullptr) return ESRCH;
  if (const int error = pthread_attr_init(attributes); error != 0) return error;
  pthread_attr_setdetachstate(attributes,
                              thread.detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
  return describe_stack(*thread.coroutine, attributes);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" int pthread_getattr_np(pthread_t thread, pthread_attr_t* attributes) noexcept {
  EmulatedThread* const emulated = EmulatedThread::find(thread);
  if (emulated != nullptr) return describe_thread(*emulated, attributes);
  const int result = real::pthread_getattr_np(thread, attributes);
  const ControlBlock* self = thread_state.current;
  if (result != 0 || self == nullptr || pthread_equal(thread, pthread_self()) == 0) return result;
  return describe_stack(*self, attributes);
}
