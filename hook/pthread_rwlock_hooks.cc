// pthread_rwlock_*: ours, or libc's for what several processes share.
#include <pthread.h>

#include <cerrno>

#include "colibri/hook/calling_object.h"
#include "colibri/hook/rwlock_body.h"
#include "colibri/hook/shared_lock.h"

namespace colibri {
namespace {

using Access = RwlockBody::Access;

constinit RealFunction real_init{"pthread_rwlock_init", ::pthread_rwlock_init};
constinit RealFunction real_destroy{"pthread_rwlock_destroy", ::pthread_rwlock_destroy};
constinit RealFunction real_rdlock{"pthread_rwlock_rdlock", ::pthread_rwlock_rdlock};
constinit RealFunction real_tryrdlock{"pthread_rwlock_tryrdlock", ::pthread_rwlock_tryrdlock};
constinit RealFunction real_clockrdlock{"pthread_rwlock_clockrdlock", ::pthread_rwlock_clockrdlock};
constinit RealFunction real_wrlock{"pthread_rwlock_wrlock", ::pthread_rwlock_wrlock};
constinit RealFunction real_trywrlock{"pthread_rwlock_trywrlock", ::pthread_rwlock_trywrlock};
constinit RealFunction real_clockwrlock{"pthread_rwlock_clockwrlock", ::pthread_rwlock_clockwrlock};
constinit RealFunction real_unlock{"pthread_rwlock_unlock", ::pthread_rwlock_unlock};

template <Access access>
int try_shared(pthread_rwlock_t* lock) {
  return access == Access::kRead ? real_tryrdlock(lock) : real_trywrlock(lock);
}

template <Access access>
int lock_shared(pthread_rwlock_t* lock, const void* caller) {
  if (may_park_caller(caller)) {
    return try_in_pauses_until([lock] { return try_shared<access>(lock); }, PointInTime::never(),
                               false);
  }
  return access == Access::kRead ? real_rdlock(lock) : real_wrlock(lock);
}

template <Access access>
int lock_shared_until(pthread_rwlock_t* lock, clockid_t clock, const timespec* until,
                      const void* caller) {
  const PointInTime time(clock, *until);
  if (may_park_caller(caller) && time.is_valid()) {
    return try_in_pauses_until([lock] { return try_shared<access>(lock); }, time, true);
  }
  return access == Access::kRead ? real_clockrdlock(lock, clock, until)
                                 : real_clockwrlock(lock, clock, until);
}

template <Access access>
int lock_until(pthread_rwlock_t* lock, clockid_t clock, const timespec* until, const void* caller) {
  if (!PointInTime::is_known(clock)) return EINVAL;
  RwlockBody& body = RwlockBody::of(lock);
  if (!body.is_ours()) return lock_shared_until<access>(lock, clock, until, caller);
  return body.lock_until<access>(PointInTime(clock, *until), caller);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_rwlock_init(pthread_rwlock_t* lock, const pthread_rwlockattr_t* attributes) {
  int shared = PTHREAD_PROCESS_PRIVATE;
  int kind = PTHREAD_RWLOCK_DEFAULT_NP;
  if (attributes != nullptr) {
    pthread_rwlockattr_getpshared(attributes, &shared);
    pthread_rwlockattr_getkind_np(attributes, &kind);
  }
  if (shared != PTHREAD_PROCESS_PRIVATE) return real_init(lock, attributes);
  RwlockBody::of(lock).init(kind);
  return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t* lock) {
  // As libc, which looks at nothing either.
  return RwlockBody::of(lock).is_ours() ? 0 : real_destroy(lock);
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  RwlockBody& body = RwlockBody::of(lock);
  if (body.is_ours()) [[likely]]
    return body.lock<Access::kRead>(__builtin_return_address(0));
  return lock_shared<Access::kRead>(lock, __builtin_return_address(0));
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) {
  RwlockBody& body = RwlockBody::of(lock);
  return body.is_ours() ? body.try_lock<Access::kRead>() : real_tryrdlock(lock);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* until) {
  return lock_until<Access::kRead>(lock, CLOCK_REALTIME, until, __builtin_return_address(0));
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* until) {
  return lock_until<Access::kRead>(lock, clock, until, __builtin_return_address(0));
}

int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  RwlockBody& body = RwlockBody::of(lock);
  if (body.is_ours()) [[likely]]
    return body.lock<Access::kWrite>(__builtin_return_address(0));
  return lock_shared<Access::kWrite>(lock, __builtin_return_address(0));
}

int pthread_rwlock_trywrlock(pthread_rwlock_t* lock) {
  RwlockBody& body = RwlockBody::of(lock);
  return body.is_ours() ? body.try_lock<Access::kWrite>() : real_trywrlock(lock);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* until) {
  return lock_until<Access::kWrite>(lock, CLOCK_REALTIME, until, __builtin_return_address(0));
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* until) {
  return lock_until<Access::kWrite>(lock, clock, until, __builtin_return_address(0));
}

int pthread_rwlock_unlock(pthread_rwlock_t* lock) {
  RwlockBody& body = RwlockBody::of(lock);
  return body.is_ours() ? body.unlock() : real_unlock(lock);
}

}  // extern "C"
