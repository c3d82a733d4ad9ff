#include "colibri/hook/cond_body.h"

#include <cerrno>
#include <cstring>

#include "colibri/core/parking_lot.h"
#include "colibri/core/waited_thing.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/mutex_body.h"

namespace colibri {
namespace {

constexpr ParkedThing kThing{"pthread condition variable"};

/// For the code that waited: whether that may park is its own matter, and not that of this file.
int lock_again(pthread_mutex_t* mutex, const void* caller) noexcept {
  MutexBody& body = MutexBody::of(mutex);
  return body.is_ours() ? body.lock(caller) : pthread_mutex_lock(mutex);
}

/// A thread that is a coroutine can be cancelled here: the hook that is called acts on it, and
/// nobody sees the failed wait.
bool can_be_cancelled() noexcept {
  const ControlBlock* self = thread_state.current;
  return self != nullptr && self->extras != nullptr && self->extras->thread != nullptr;
}

}  // namespace

void CondBody::check_layout() noexcept {
  static_assert(sizeof(CondBody) <= sizeof(pthread_cond_t));
  static_assert(alignof(CondBody) <= alignof(pthread_cond_t));
  static_assert(offsetof(CondBody, flags_) == offsetof(pthread_cond_t, __data.__wrefs));
}

void CondBody::init(clockid_t clock) noexcept {
  std::memset(static_cast<void*>(this), 0, sizeof(pthread_cond_t));
  flags_ = clock == CLOCK_MONOTONIC ? kMonotonic : 0;
}

int CondBody::wait(pthread_mutex_t* mutex, const PointInTime& until, const void* caller) {
  const int saved_errno = errno;
  const bool may_park = may_park_caller(caller);
  const auto leave = [this] { count(-1U); };
  WaitPlace* place = ParkingLot::join(
      this, may_park, 0,
      [this] {
        count(1);
        return true;
      },
      &pass_on_from);
  place->parked_at = &kThing;
  const int unlocked = pthread_mutex_unlock(mutex);
  if (unlocked != 0) {
    // Who was signalled meanwhile passes it on.
    if (!ParkingLot::leave(*place, leave)) pass_on();
    errno = saved_errno;
    return unlocked;
  }
  const WaitTerms terms{.deadline = until.deadline(),
                        .may_fail = !until.is_never() || can_be_cancelled()};
  WakeReason reason = WakeReason::kFired;
  try {
    // Who was signalled and is cancelled passes it on.
    reason = ParkingLot::wait_cancelable(
        *place, terms, leave, [this] { pass_on(); },
        [&until](Deadline& deadline) { return until.is_over(deadline); });
  } catch (...) {
    lock_again(mutex, caller);
    throw;
  }
  const int locked = lock_again(mutex, caller);
  errno = saved_errno;
  return locked != 0 ? locked : error_of(reason, ETIMEDOUT);
}

int CondBody::signal() noexcept {
  // Whoever began to wait before this signal, by the mutex or by any other order, is seen.
  if (waiting_.load(std::memory_order_seq_cst) != 0) pass_on();
  return 0;
}

void CondBody::pass_on() noexcept {
  ParkingLot::wake_one(this, [this](const WaitPlace* place) {
    if (place != nullptr) count(-1U);
  });
}

/// For one who was signalled, and was abandoned.
void CondBody::pass_on_from(WaitPlace& place) noexcept {
  reinterpret_cast<CondBody*>(place.note)->pass_on();
}

bool CondBody::has_waiters() const noexcept {
  bool found = false;
  ParkingLot::serve(this,
                    [&found](WaitPlace* first, ParkingLot::Chosen&) { found = first != nullptr; });
  return found;
}

int CondBody::broadcast() noexcept {
  if (waiting_.load(std::memory_order_seq_cst) == 0) return 0;
  ParkingLot::wake_all(this, [this] { waiting_.store(0, std::memory_order_release); });
  return 0;
}

}  // namespace colibri
