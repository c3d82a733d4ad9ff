#include "colibri/core/condition_variable.h"

#include "colibri/core/check.h"

namespace colibri {

ConditionVariable::~ConditionVariable() {
  check(waiting_.empty(), "a ConditionVariable was destroyed while others wait for it");
}

WaitPlace& ConditionVariable::join() noexcept {
  Waiter& waiter = Waiter::begin();
  const BiasedGuard guard(lock_);
  waiter.join(waiter.place, waiting_, lock_);
  return waiter.place;
}

WakeReason ConditionVariable::wait_joined(WaitPlace& place, const WaitTerms& terms) noexcept {
  BiasedGuard guard;
  return wait_queued(place, waiting_, lock_, guard, terms);
}

void ConditionVariable::notify_one() noexcept {
  BiasedGuard guard(lock_);
  WaitPlace* place = waiting_.claim_first();
  guard.release();
  if (place != nullptr) place->waiter->wake();
}

void ConditionVariable::notify_all() noexcept {
  BiasedGuard guard(lock_);
  WaitPlace* claimed = waiting_.claim_all();
  guard.release();
  wake_all(claimed);
}

}  // namespace colibri
