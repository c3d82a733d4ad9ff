// Whose turn it is: sched_yield, spin locks, and the priorities, processors and clocks of threads.
// Coroutines of one thread have the kernel's for that thread, and cannot change them one by one.
#include <pthread.h>
#include <sched.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/core/scheduler.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/threads/emulated_thread.h"
#include "colibri/hook/threads/thread_start.h"

namespace colibri {
namespace {

constinit RealFunction real_self{"pthread_self", ::pthread_self};
constinit RealFunction real_yield{"sched_yield", ::sched_yield};
constinit RealFunction real_spin{"pthread_spin_lock", ::pthread_spin_lock};
constinit RealFunction real_clock{"pthread_getcpuclockid", ::pthread_getcpuclockid};
constinit RealFunction real_setaffinity{"pthread_setaffinity_np", ::pthread_setaffinity_np};
constinit RealFunction real_getaffinity{"pthread_getaffinity_np", ::pthread_getaffinity_np};
constinit RealFunction real_setschedparam{"pthread_setschedparam", ::pthread_setschedparam};
constinit RealFunction real_getschedparam{"pthread_getschedparam", ::pthread_getschedparam};
constinit RealFunction real_setschedprio{"pthread_setschedprio", ::pthread_setschedprio};

/// The coroutine that may let others run because threads are coroutines; null for others.
ControlBlock* yielding_coroutine() noexcept {
  return EmulatedThread::current() != nullptr ? parkable_coroutine() : nullptr;
}

bool is_gone(const EmulatedThread& thread) noexcept {
  return thread.state.load() == EmulatedThread::State::kFree;
}

/// What setting a policy or a priority comes to.
int change(const EmulatedThread& thread, int policy, int priority) noexcept {
  if (is_gone(thread)) return ESRCH;
  return needs_kernel(policy, priority) ? EPERM : 0;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int sched_yield() noexcept {
  if (yielding_coroutine() == nullptr) return real_yield();
  // Who waits so may wait for what a timer or a descriptor brings.
  thread_state.scheduler->yield_to_loop();
  return 0;
}

int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
  if (yielding_coroutine() == nullptr) return real_spin.get()(lock);
  // Its holder may be parked on this very thread.
  while (pthread_spin_trylock(lock) != 0) thread_state.scheduler->yield_to_loop();
  return 0;
}

int pthread_getcpuclockid(pthread_t id, clockid_t* clock) noexcept {
  const EmulatedThread* thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_clock(id, clock);
  return is_gone(*thread) ? ESRCH : ENOENT;  // nobody counts a coroutine's time
}

int pthread_setaffinity_np(pthread_t id, std::size_t size, const cpu_set_t* processors) noexcept {
  const EmulatedThread* thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_setaffinity(id, size, processors);
  return is_gone(*thread) ? ESRCH : ENOTSUP;
}

int pthread_getaffinity_np(pthread_t id, std::size_t size, cpu_set_t* processors) noexcept {
  const EmulatedThread* thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_getaffinity(id, size, processors);
  return is_gone(*thread) ? ESRCH : real_getaffinity(real_self(), size, processors);
}

int pthread_setschedparam(pthread_t id, int policy, const sched_param* wanted) noexcept {
  const EmulatedThread* thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_setschedparam(id, policy, wanted);
  return change(*thread, policy, wanted->sched_priority);
}

int pthread_getschedparam(pthread_t id, int* policy, sched_param* present) noexcept {
  const EmulatedThread* thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_getschedparam(id, policy, present);
  return is_gone(*thread) ? ESRCH : real_getschedparam(real_self(), policy, present);
}

int pthread_setschedprio(pthread_t id, int priority) noexcept {
  const EmulatedThread* thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_setschedprio(id, priority);
  return change(*thread, SCHED_OTHER, priority);
}

}  // extern "C"
