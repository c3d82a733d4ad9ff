// sem_*: ours, or libc's for what several processes share.
#include <pthread.h>
#include <semaphore.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>

#include "colibri/core/waited_thing.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/growing_pause.h"
#include "colibri/hook/sem_body.h"

namespace colibri {
namespace {

constinit RealFunction real_init{"sem_init", ::sem_init};
constinit RealFunction real_destroy{"sem_destroy", ::sem_destroy};
constinit RealFunction real_wait{"sem_wait", ::sem_wait};
constinit RealFunction real_trywait{"sem_trywait", ::sem_trywait};
constinit RealFunction real_clockwait{"sem_clockwait", ::sem_clockwait};
constinit RealFunction real_post{"sem_post", ::sem_post};
constinit RealFunction real_getvalue{"sem_getvalue", ::sem_getvalue};

constexpr ParkedThing kSharedSemaphore{"semaphore of several processes"};

/// How many coroutines wait at semaphores of libc's. One too many does no harm.
constinit std::atomic<std::uint32_t> waiting_at_shared{0};

/// At start: signal handlers may be the first to post, and must not ask the loader.
[[gnu::constructor]] void find_post() noexcept {
  real_post.find();
}

int error_to_errno(int error) noexcept {
  return error == 0 ? 0 : fail_with_errno(error);
}

/// What every call that may wait begins with; false, with errno, where it must not.
bool begin_waiting_call() {
  if (parkable_coroutine() != nullptr) return may_begin();
  if (thread_state.current == nullptr) pthread_testcancel();
  return true;
}

bool is_empty(sem_t* semaphore) noexcept {
  int value = 0;
  real_getvalue(semaphore, &value);
  return value <= 0;
}

/// Waits at one of libc's in a coroutine. A post of this process wakes it; for those of others it
/// looks in pauses that grow from 1 ms to 50 ms. The error, or 0.
int take_shared_until(sem_t* semaphore, const PointInTime& until) {
  const KeptErrno kept;
  GrowingPause pause(std::chrono::milliseconds(1), std::chrono::milliseconds(50));
  for (;;) {
    if (real_trywait(semaphore) == 0) return static_cast<int>(kept(0));
    if (until.has_passed()) return ETIMEDOUT;
    WaitPlace* place = ParkingLot::join(semaphore, true, ParkingLot::kCanBeMissed,
                                        [semaphore] { return is_empty(semaphore); });
    if (place == nullptr) continue;
    place->parked_at = &kSharedSemaphore;
    const WaitTerms terms{.deadline = std::min(until.deadline(), pause.begin()),
                          .interruptible = true,
                          .never_restarts = !until.is_never()};
    const WakeReason reason = ParkingLot::wait(*place, terms, [] {});
    if (reason != WakeReason::kFired && reason != WakeReason::kTimeout) return error_of(reason);
  }
}

int wait_at_shared(sem_t* semaphore, const PointInTime& until) {
  real::write.find();  // for a post in a signal handler
  waiting_at_shared.fetch_add(1);
  const int error = take_shared_until(semaphore, until);
  waiting_at_shared.fetch_sub(1, std::memory_order_relaxed);
  return error_to_errno(error);
}

[[gnu::noinline]] int post_shared(sem_t* semaphore) noexcept {
  const int result = real_post(semaphore);
  // By a write to the count: either it comes before a waiter's, who then sees the unit, or it sees
  // the waiter's.
  if (result == 0 && waiting_at_shared.fetch_add(0) != 0) {
    ParkingLot::wake_one_from_anywhere(semaphore, [](const WaitPlace&) { return true; });
  }
  return result;
}

/// The usual case, for which nothing need be saved: in a coroutine, and there is a unit. True if it
/// has taken it; false: nothing has happened.
bool take_at_once(SemBody& body) noexcept {
  const ControlBlock* coroutine = thread_state.current;
  Scheduler* scheduler = thread_state.scheduler;
  return coroutine != nullptr && coroutine->bypass_depth == 0 && scheduler != nullptr &&
         body.is_ours() && scheduler->begin_call_at_once() && body.try_take_at_once();
}

[[gnu::noinline]] int wait_from(sem_t* semaphore, const void* caller) {
  if (!begin_waiting_call()) return -1;
  SemBody& body = SemBody::of(semaphore);
  if (body.is_ours()) [[likely]]
    return error_to_errno(body.take_until(PointInTime::never(), caller));
  if (may_park_caller(caller)) return wait_at_shared(semaphore, PointInTime::never());
  return real_wait(semaphore);
}

int wait_until(sem_t* semaphore, clockid_t clock, const timespec* until, const void* caller) {
  const PointInTime time(clock, *until);
  if (!PointInTime::is_known(clock) || !time.is_valid()) return fail_with_errno(EINVAL);
  if (!begin_waiting_call()) return -1;
  SemBody& body = SemBody::of(semaphore);
  if (body.is_ours()) return error_to_errno(body.take_until(time, caller));
  if (may_park_caller(caller)) return wait_at_shared(semaphore, time);
  return real_clockwait(semaphore, clock, until);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int sem_init(sem_t* semaphore, int shared, unsigned value) {
  if (shared != 0) return real_init(semaphore, shared, value);
  if (value > SEM_VALUE_MAX) return fail_with_errno(EINVAL);
  SemBody::of(semaphore).init(value);
  return 0;
}

int sem_destroy(sem_t* semaphore) {
  // As libc, which looks at nothing either.
  return SemBody::of(semaphore).is_ours() ? 0 : real_destroy(semaphore);
}

int sem_wait(sem_t* semaphore) {
  if (take_at_once(SemBody::of(semaphore))) return 0;
  return counted<"sem_wait">(&wait_from, semaphore, __builtin_return_address(0));
}

int sem_trywait(sem_t* semaphore) {
  SemBody& body = SemBody::of(semaphore);
  if (!body.is_ours()) return real_trywait(semaphore);
  return body.try_take() ? 0 : fail_with_errno(EAGAIN);
}

int sem_timedwait(sem_t* semaphore, const timespec* until) {
  return counted<"sem_timedwait">(&wait_until, semaphore, CLOCK_REALTIME, until,
                                  __builtin_return_address(0));
}

int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* until) {
  return counted<"sem_clockwait">(&wait_until, semaphore, clock, until,
                                  __builtin_return_address(0));
}

int sem_post(sem_t* semaphore) {
  SemBody& body = SemBody::of(semaphore);
  if (!body.is_ours()) return post_shared(semaphore);
  const int error = body.post();
  return error == 0 ? 0 : fail_with_errno(error);
}

int sem_getvalue(sem_t* semaphore, int* value) {
  SemBody& body = SemBody::of(semaphore);
  if (!body.is_ours()) return real_getvalue(semaphore, value);
  *value = static_cast<int>(body.value());
  return 0;
}

}  // extern "C"
