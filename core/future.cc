#include "colibri/core/future.h"

#include <future>

namespace colibri {

FutureStateBase::~FutureStateBase() {
  check(waiting.empty(),
        "a Future was destroyed while others wait for it; give each a handle of its own, by "
        "capturing a copy");
}

bool FutureStateBase::ready() noexcept {
  const BiasedGuard guard(lock);
  return is_ready;
}

bool FutureStateBase::wait_until(Deadline deadline) {
  begin_call("Future::wait");
  BiasedGuard guard(lock);
  if (is_ready) return true;
  const WakeReason reason = wait_in(waiting, lock, guard, {.deadline = deadline});
  return came_in_time(reason, "Future::wait");
}

void FutureStateBase::wait_regardless() noexcept {
  BiasedGuard guard(lock);
  if (!is_ready) wait_in(waiting, lock, guard, {.may_fail = false});
}

void FutureStateBase::complete() noexcept {
  BiasedGuard guard(lock);
  is_ready = true;
  WaitPlace* claimed = waiting.claim_all();
  guard.release();
  wake_all(claimed);
}

std::exception_ptr make_broken_promise() noexcept {
  return std::make_exception_ptr(std::future_error(std::future_errc::broken_promise));
}

}  // namespace colibri
