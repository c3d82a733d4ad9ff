// pthread_cond_*: ours, or libc's for what several processes share.
#include <pthread.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/hook/cond_body.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/mutex_body.h"

namespace colibri {
namespace {

/// libc's condition variable unlocks by libc's own hand, which a mutex of ours does not survive.
bool fits_libc(pthread_mutex_t* mutex) noexcept {
  return !MutexBody::of(mutex).is_ours();
}

int wait_until(pthread_cond_t* cond, pthread_mutex_t* mutex, const PointInTime& until,
               const void* caller) {
  if (!until.is_valid()) return EINVAL;
  return CondBody::of(cond).wait(mutex, until, caller);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_cond_init(pthread_cond_t* cond, const pthread_condattr_t* attributes) {
  int shared = PTHREAD_PROCESS_PRIVATE;
  clockid_t clock = CLOCK_REALTIME;
  if (attributes != nullptr) {
    pthread_condattr_getpshared(attributes, &shared);
    pthread_condattr_getclock(attributes, &clock);
  }
  if (shared != PTHREAD_PROCESS_PRIVATE) return real::pthread_cond_init(cond, attributes);
  CondBody::of(cond).init(clock);
  return 0;
}

int pthread_cond_destroy(pthread_cond_t* cond) {
  CondBody& body = CondBody::of(cond);
  return body.is_ours() ? body.destroy() : real::pthread_cond_destroy(cond);
}

int pthread_cond_wait(pthread_cond_t* cond, pthread_mutex_t* mutex) {
  if (!CondBody::of(cond).is_ours()) {
    return fits_libc(mutex) ? real::pthread_cond_wait(cond, mutex) : EINVAL;
  }
  return counted<"pthread_cond_wait">(&wait_until, cond, mutex, PointInTime::never(),
                                      __builtin_return_address(0));
}

int pthread_cond_timedwait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* until) {
  CondBody& body = CondBody::of(cond);
  if (!body.is_ours()) {
    return fits_libc(mutex) ? real::pthread_cond_timedwait(cond, mutex, until) : EINVAL;
  }
  return counted<"pthread_cond_timedwait">(
      &wait_until, cond, mutex, PointInTime(body.clock(), *until), __builtin_return_address(0));
}

int pthread_cond_clockwait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  if (!PointInTime::is_known(clock)) return EINVAL;
  if (!CondBody::of(cond).is_ours()) {
    return fits_libc(mutex) ? real::pthread_cond_clockwait(cond, mutex, clock, until) : EINVAL;
  }
  return counted<"pthread_cond_clockwait">(&wait_until, cond, mutex, PointInTime(clock, *until),
                                           __builtin_return_address(0));
}

int pthread_cond_signal(pthread_cond_t* cond) {
  CondBody& body = CondBody::of(cond);
  return body.is_ours() ? body.signal() : real::pthread_cond_signal(cond);
}

int pthread_cond_broadcast(pthread_cond_t* cond) {
  CondBody& body = CondBody::of(cond);
  return body.is_ours() ? body.broadcast() : real::pthread_cond_broadcast(cond);
}

}  // extern "C"
