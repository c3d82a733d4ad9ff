// What a thread says of its own cancellation. pthread_cancel is with the other hooks: it concerns
// plain threads, too.
#include <pthread.h>

#include "colibri/core/libc.h"
#include "colibri/hook/threads/cancellation.h"

namespace colibri {
namespace {

constinit RealFunction real_setstate{"pthread_setcancelstate", ::pthread_setcancelstate};
constinit RealFunction real_settype{"pthread_setcanceltype", ::pthread_setcanceltype};
constinit RealFunction real_testcancel{"pthread_testcancel", ::pthread_testcancel};

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_setcancelstate(int state, int* old_state) {
  EmulatedThread* const self = EmulatedThread::current();
  if (self == nullptr) return real_setstate(state, old_state);
  return set_cancel_state(*self, state, old_state);
}

int pthread_setcanceltype(int type, int* old_type) {
  EmulatedThread* const self = EmulatedThread::current();
  return self != nullptr ? set_cancel_type(*self, type, old_type) : real_settype(type, old_type);
}

void pthread_testcancel() {
  EmulatedThread::current() != nullptr ? pass_cancellation_point() : real_testcancel.get()();
}

}  // extern "C"
