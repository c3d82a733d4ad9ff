// mtx_*, cnd_*, thrd_sleep and thrd_yield of C11. libc builds them on inner calls, which come to no
// hook; ours are the hooks of POSIX with C11's results.
#include <pthread.h>
#include <threads.h>
#include <time.h>

#include <cerrno>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/cond_body.h"
#include "colibri/hook/mutex_body.h"

namespace colibri {
namespace {

constinit RealFunction real_yield{"thrd_yield", ::thrd_yield};

MutexBody& body_of(mtx_t* mutex) noexcept {
  return MutexBody::of(reinterpret_cast<pthread_mutex_t*>(mutex));
}

CondBody& body_of(cnd_t* condition) noexcept {
  return CondBody::of(reinterpret_cast<pthread_cond_t*>(condition));
}

int result_of(int error) noexcept {
  switch (error) {
    case 0:
      return thrd_success;
    case EBUSY:
      return thrd_busy;
    case ETIMEDOUT:
      return thrd_timedout;
    case ENOMEM:
      return thrd_nomem;
    default:
      return thrd_error;
  }
}

int wait_until(cnd_t* condition, mtx_t* mutex, const PointInTime& until, const void* caller) {
  if (!until.is_valid()) return thrd_error;
  auto* const pthread_mutex = reinterpret_cast<pthread_mutex_t*>(mutex);
  return result_of(body_of(condition).wait(pthread_mutex, until, caller));
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int mtx_init(mtx_t* mutex, int type) {
  static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t));
  const bool recursive = type == mtx_recursive || type == (mtx_recursive | mtx_timed);
  body_of(mutex).init(recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
  return thrd_success;
}

void mtx_destroy(mtx_t* mutex) {
  body_of(mutex).destroy();
}

int mtx_lock(mtx_t* mutex) {
  return result_of(body_of(mutex).lock(__builtin_return_address(0)));
}

int mtx_trylock(mtx_t* mutex) {
  return result_of(body_of(mutex).try_lock());
}

int mtx_timedlock(mtx_t* mutex, const timespec* until) {
  const PointInTime time(CLOCK_REALTIME, *until);
  return result_of(body_of(mutex).lock_until(time, __builtin_return_address(0)));
}

int mtx_unlock(mtx_t* mutex) {
  return result_of(body_of(mutex).unlock());
}

int cnd_init(cnd_t* condition) {
  static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t));
  body_of(condition).init(CLOCK_REALTIME);
  return thrd_success;
}

void cnd_destroy(cnd_t* condition) {
  body_of(condition).destroy();
}

int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return wait_until(condition, mutex, PointInTime::never(), __builtin_return_address(0));
}

int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  return wait_until(condition, mutex, PointInTime(CLOCK_REALTIME, *until),
                    __builtin_return_address(0));
}

int cnd_signal(cnd_t* condition) {
  return result_of(body_of(condition).signal());
}

int cnd_broadcast(cnd_t* condition) {
  return result_of(body_of(condition).broadcast());
}

int thrd_sleep(const timespec* duration, timespec* remaining) {
  const int error = clock_nanosleep(CLOCK_REALTIME, 0, duration, remaining);
  if (error == 0) return 0;
  return error == EINTR ? -1 : -2;
}

void thrd_yield() {
  if (parkable_coroutine() == nullptr) return real_yield();
  thread_state.scheduler->yield();
}

}  // extern "C"
