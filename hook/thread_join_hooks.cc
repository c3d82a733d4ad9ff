// pthread_join and its kind, on plain threads: the coroutine waits, and not its thread. And
// pthread_cancel, which must not hit the thread that runs the coroutine. Threads that are
// coroutines are waited for and cancelled elsewhere: see threads/thread_join.h and cancellation.h.
//
// The kernel tells nobody but a joiner of a thread's end. A join that waits for ever is made by a
// helper thread, and is ended neither by a TimeLimit nor by cancel: a helper that joined later
// would take a result that nobody gets. The timed forms try again in pauses, and so can be ended.
#include <pthread.h>
#include <threads.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>

#include "colibri/core/log.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/point_in_time.h"
#include "colibri/hook/result_call.h"
#include "colibri/hook/threads/cancellation.h"
#include "colibri/hook/threads/thread_join.h"

namespace colibri {
namespace {

constinit RealFunction real_join{"pthread_join", ::pthread_join};
constinit RealFunction real_tryjoin{"pthread_tryjoin_np", ::pthread_tryjoin_np};
constinit RealFunction real_timedjoin{"pthread_timedjoin_np", ::pthread_timedjoin_np};
constinit RealFunction real_clockjoin{"pthread_clockjoin_np", ::pthread_clockjoin_np};
constinit RealFunction real_cancel{"pthread_cancel", ::pthread_cancel};

/// A helper would not notice that a thread waits for itself.
bool must_block(pthread_t thread) noexcept {
  return parkable_coroutine() == nullptr || pthread_equal(thread, pthread_self()) != 0;
}

int join_on_helper(pthread_t thread, void** value) {
  std::shared_ptr<void*> result;  // in the heap: where `value` points may be another's meanwhile
  try {
    result = std::make_shared<void*>(nullptr);
  } catch (const std::bad_alloc&) {
    return real_join(thread, value);
  }
  const long error =
      on_helper(HelperSet::kUnbounded, [=] { return real_join(thread, result.get()); });
  if (error == 0 && value != nullptr) *value = *result;
  return static_cast<int>(error);
}

int join(pthread_t thread, void** value) {
  if (EmulatedThread* const emulated = EmulatedThread::find(thread); emulated != nullptr) {
    return join_thread(*emulated, value, PointInTime::never());
  }
  if (must_block(thread)) return real_join(thread, value);
  const int result = real_tryjoin(thread, value);
  return result == EBUSY ? join_on_helper(thread, value) : result;
}

/// Tries in pauses that grow from 1 ms to 50 ms.
int join_until(pthread_t thread, void** value, const PointInTime& until) {
  const int saved_errno = errno;
  constexpr std::chrono::milliseconds kLongest(50);
  for (std::chrono::milliseconds pause(1);; pause = std::min(2 * pause, kLongest)) {
    const int result = real_tryjoin(thread, value);
    if (result != EBUSY) return result;
    if (!until.is_valid()) return EINVAL;
    if (until.has_passed()) return ETIMEDOUT;
    const Deadline deadline = std::min(until.deadline(), Deadline::after(pause));
    const WakeReason reason = thread_state.scheduler->park({.deadline = deadline});
    errno = saved_errno;
    if (reason == WakeReason::kOutOfMemory) thread_state.scheduler->yield_to_loop();
    if (reason == WakeReason::kLimit || reason == WakeReason::kCanceled) return error_of(reason);
  }
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_join(pthread_t thread, void** value) {
  return counted<"pthread_join">(&join, thread, value);
}

int pthread_tryjoin_np(pthread_t thread, void** value) noexcept {
  EmulatedThread* const emulated = EmulatedThread::find(thread);
  return emulated != nullptr ? try_join_thread(*emulated, value) : real_tryjoin(thread, value);
}

int pthread_timedjoin_np(pthread_t thread, void** value, const timespec* until) {
  EmulatedThread* const emulated = EmulatedThread::find(thread);
  if (emulated != nullptr && until != nullptr) {
    return join_thread(*emulated, value, PointInTime(CLOCK_REALTIME, *until));
  }
  if (emulated == nullptr && must_block(thread)) return real_timedjoin(thread, value, until);
  if (until == nullptr) return join(thread, value);
  return join_until(thread, value, PointInTime(CLOCK_REALTIME, *until));
}

int pthread_clockjoin_np(pthread_t thread, void** value, clockid_t clock, const timespec* until) {
  EmulatedThread* const emulated = EmulatedThread::find(thread);
  if (emulated != nullptr && until != nullptr) {
    // A clock that is not known is found out only by who has to wait.
    const timespec invalid{0, -1};
    return join_thread(*emulated, value,
                       PointInTime(clock, PointInTime::is_known(clock) ? *until : invalid));
  }
  if (emulated == nullptr && must_block(thread)) return real_clockjoin(thread, value, clock, until);
  if (until == nullptr) return join(thread, value);
  // A thread that has ended is joined, whatever the clock.
  if (!PointInTime::is_known(clock)) {
    const int result = real_tryjoin(thread, value);
    return result == EBUSY ? EINVAL : result;
  }
  return join_until(thread, value, PointInTime(clock, *until));
}

int thrd_join(thrd_t thread, int* result) {
  void* value = nullptr;
  if (join(thread, &value) != 0) return thrd_error;
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<std::intptr_t>(value));
  return thrd_success;
}

int pthread_cancel(pthread_t thread) {
  EmulatedThread* const emulated = EmulatedThread::find(thread);
  if (emulated != nullptr) return cancel_thread(*emulated);
  if (thread_state.current == nullptr || pthread_equal(thread, pthread_self()) == 0) {
    return real_cancel(thread);
  }
  log(LogLevel::kWarning,
      "pthread_cancel of the own thread was refused in a coroutine: it would end all coroutines of "
      "the thread; pthread_exit ends this one, and Task::cancel another");
  return ENOTSUP;
}

}  // extern "C"
