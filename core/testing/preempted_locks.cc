// Locks of pthread, and with them std::mutex and its kin, as calls that a seed may preempt.
//
// The hooks take a free lock without asking anybody, and are not to be made slower for the sake of
// tests. So the linker leads such calls of a test program here instead (--wrap), and from here they
// go on. Only with the hooks: without them a lock belongs to the thread, and one that was held
// while others run could never be had again.
#include <pthread.h>

#include "colibri/core/libc.h"
#include "colibri/core/scheduler.h"

extern "C" {

int __real_pthread_mutex_lock(pthread_mutex_t* mutex) noexcept;
int __real_pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept;
int __real_pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept;
}

namespace colibri {
namespace {

/// True if locks are ours: what they are called by here is not libc's.
bool hooks_are_linked() noexcept {
  return real::pthread_mutex_lock.get() != &__real_pthread_mutex_lock;
}

void let_others_in() noexcept {
  if (!can_park() || thread_state.current->bypass_depth != 0) return;
  Scheduler& scheduler = *thread_state.scheduler;
  if (scheduler.is_conducted() && hooks_are_linked()) scheduler.begin_conducted_call();
}

}  // namespace
}  // namespace colibri

extern "C" {

int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  colibri::let_others_in();
  return __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  colibri::let_others_in();
  return __real_pthread_rwlock_rdlock(lock);
}

int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  colibri::let_others_in();
  return __real_pthread_rwlock_wrlock(lock);
}

}  // extern "C"
