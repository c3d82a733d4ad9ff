#include "colibri/hook/threads/thread_join.h"

#include <cerrno>

#include "colibri/core/parking_lot.h"
#include "colibri/core/waited_thing.h"
#include "colibri/hook/blocking_call.h"

namespace colibri {
namespace {

using State = EmulatedThread::State;

/// Stands for all joiners that are plain threads, which nobody joins here.
constinit EmulatedThread plain_thread;

constexpr ParkedThing kThing{"pthread_join"};

bool has_ended(const EmulatedThread& thread) noexcept {
  return thread.state.load() == State::kEnded;
}

/// Makes `joiner` the one who waits for `thread`, if that may be.
int announce(EmulatedThread& thread, EmulatedThread& joiner) noexcept {
  {
    // One lock at a time. Two that join each other at once on two schedulers are not found out.
    const SmallLockGuard guard(joiner.lock);
    if (&joiner == &thread || joiner.joiner == &thread) return EDEADLK;
  }
  const SmallLockGuard guard(thread.lock);
  if (thread.state.load() == State::kFree) return ESRCH;
  if (thread.detached || thread.joiner != nullptr) return EINVAL;
  thread.joiner = &joiner;
  return 0;
}

void withdraw(EmulatedThread& thread) noexcept {
  const SmallLockGuard guard(thread.lock);
  thread.joiner = nullptr;
}

/// ETIMEDOUT if the time is over before the thread is, ECANCELED if the caller is to end.
int wait_for_end(EmulatedThread& thread, const PointInTime& until) noexcept {
  while (!has_ended(thread)) {
    WaitPlace* place = ParkingLot::join(&thread, parkable_coroutine() != nullptr, 0,
                                        [&] { return !has_ended(thread); });
    if (place == nullptr) break;
    place->parked_at = &kThing;
    const WakeReason reason = ParkingLot::wait(
        *place, {.deadline = until.deadline()}, [] {},
        [&](Deadline& deadline) { return until.is_over(deadline); });
    if (reason != WakeReason::kFired && !has_ended(thread)) return error_of(reason, ETIMEDOUT);
  }
  return 0;
}

void take_result(EmulatedThread& thread, void** value) noexcept {
  if (value != nullptr) *value = thread.result;
  emulated_threads::release(thread);
}

}  // namespace

int join_thread(EmulatedThread& thread, void** value, const PointInTime& until) noexcept {
  EmulatedThread* const self = EmulatedThread::current();
  if (const int error = announce(thread, self != nullptr ? *self : plain_thread); error != 0) {
    return error;
  }
  int error = has_ended(thread) ? 0 : EINVAL;
  if (error != 0 && until.is_valid()) error = wait_for_end(thread, until);
  if (error == 0) {
    take_result(thread, value);
  } else {
    withdraw(thread);
  }
  return error;
}

int try_join_thread(EmulatedThread& thread, void** value) noexcept {
  if (thread.state.load() == State::kRunning) return EBUSY;
  return join_thread(thread, value, PointInTime::never());
}

int detach_thread(EmulatedThread& thread) noexcept {
  {
    const SmallLockGuard guard(thread.lock);
    if (thread.state.load() == State::kFree) return ESRCH;
    if (thread.detached) return EINVAL;
    if (thread.joiner != nullptr) return 0;  // it is the joiner's to let go of
    thread.detached = true;
    if (thread.state.load() == State::kRunning) return 0;
  }
  emulated_threads::release(thread);
  return 0;
}

}  // namespace colibri
