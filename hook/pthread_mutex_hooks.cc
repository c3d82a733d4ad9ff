// pthread_mutex_*: ours, or libc's for the kinds that mutex_body.h leaves to it.
#include <pthread.h>
#include <unistd.h>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/mutex_body.h"
#include "colibri/hook/shared_lock.h"

namespace colibri {
namespace {

/// True if `attributes` make a mutex of ours.
bool describe_ours(const pthread_mutexattr_t* attributes) noexcept {
  if (attributes == nullptr) return true;
  int shared = 0;
  int robust = 0;
  int protocol = 0;
  pthread_mutexattr_getpshared(attributes, &shared);
  pthread_mutexattr_getrobust(attributes, &robust);
  pthread_mutexattr_getprotocol(attributes, &protocol);
  return shared == PTHREAD_PROCESS_PRIVATE && robust == PTHREAD_MUTEX_STALLED &&
         protocol == PTHREAD_PRIO_NONE;
}

/// True if libc would find that this thread owns the mutex, and would not wait.
bool is_owned_and_says_so(const pthread_mutex_t* mutex) noexcept {
  const int kind = mutex->__data.__kind & 3;
  return (kind == PTHREAD_MUTEX_RECURSIVE || kind == PTHREAD_MUTEX_ERRORCHECK) &&
         mutex->__data.__owner == gettid();
}

int lock_in_pauses(pthread_mutex_t* mutex, const PointInTime& until, bool may_fail) {
  return try_in_pauses_until([mutex] { return real::pthread_mutex_trylock(mutex); }, until,
                             may_fail);
}

bool must_pause_for(const pthread_mutex_t* mutex, const void* caller) noexcept {
  return may_park_caller(caller) && !is_owned_and_says_so(mutex);
}

// What is not done at once lies in functions of its own, so that the usual call saves no registers.

[[gnu::noinline]] int lock_slowly(pthread_mutex_t* mutex, const void* caller) {
  MutexBody& body = MutexBody::of(mutex);
  if (body.is_ours()) {
    return counted<"pthread_mutex_lock">([&] { return body.lock(caller); });
  }
  if (!must_pause_for(mutex, caller)) return real::pthread_mutex_lock(mutex);
  return lock_in_pauses(mutex, PointInTime::never(), false);
}

[[gnu::noinline]] int unlock_slowly(pthread_mutex_t* mutex) {
  MutexBody& body = MutexBody::of(mutex);
  return body.is_ours() ? body.unlock() : real::pthread_mutex_unlock(mutex);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) {
  if (!describe_ours(attributes)) return real::pthread_mutex_init(mutex, attributes);
  int kind = PTHREAD_MUTEX_NORMAL;
  if (attributes != nullptr) pthread_mutexattr_gettype(attributes, &kind);
  MutexBody::of(mutex).init(kind);
  return 0;
}

int pthread_mutex_destroy(pthread_mutex_t* mutex) {
  MutexBody& body = MutexBody::of(mutex);
  return body.is_ours() ? body.destroy() : real::pthread_mutex_destroy(mutex);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  MutexBody& body = MutexBody::of(mutex);
  if (body.is_plain() && body.try_acquire_plain()) [[likely]]
    return 0;
  return lock_slowly(mutex, __builtin_return_address(0));
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  MutexBody& body = MutexBody::of(mutex);
  return body.is_ours() ? body.try_lock() : real::pthread_mutex_trylock(mutex);
}

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* until) {
  MutexBody& body = MutexBody::of(mutex);
  const PointInTime time(CLOCK_REALTIME, *until);
  const void* const caller = __builtin_return_address(0);
  if (body.is_ours()) {
    return counted<"pthread_mutex_timedlock">([&] { return body.lock_until(time, caller); });
  }
  if (!must_pause_for(mutex, caller)) return real::pthread_mutex_timedlock(mutex, until);
  return lock_in_pauses(mutex, time, true);
}

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* until) {
  MutexBody& body = MutexBody::of(mutex);
  if (!PointInTime::is_known(clock)) return EINVAL;
  const PointInTime time(clock, *until);
  const void* const caller = __builtin_return_address(0);
  if (body.is_ours()) {
    return counted<"pthread_mutex_clocklock">([&] { return body.lock_until(time, caller); });
  }
  if (!must_pause_for(mutex, caller)) return real::pthread_mutex_clocklock(mutex, clock, until);
  return lock_in_pauses(mutex, time, true);
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
  MutexBody& body = MutexBody::of(mutex);
  if (body.is_plain() && body.try_release()) [[likely]]
    return 0;
  return unlock_slowly(mutex);
}

}  // extern "C"
