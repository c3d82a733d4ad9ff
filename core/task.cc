#include "colibri/core/task.h"

#include "colibri/core/unpark.h"

namespace colibri {

WakeReason TaskStateBase::wait(Deadline deadline, bool may_fail) noexcept {
  WakeReason reason = WakeReason::kFired;
  while (!ended() && reason == WakeReason::kFired) {
    check(can_park(), "a Task was joined or destroyed outside a coroutine while it still runs");
    ControlBlock& self = *thread_state.current;
    check(coroutine != &self, "a coroutine joined itself: it would wait for ever");
    check(joiners.empty(), "two coroutines join one Task at the same time; only one may");
    joiners.push_back(self);
    reason = thread_state.scheduler->park(
        {.deadline = deadline, .kind = WaitKind::kJoin, .may_fail = may_fail});
    withdraw(self);
  }
  return ended() ? WakeReason::kFired : reason;
}

void TaskStateBase::finish() noexcept {
  coroutine = nullptr;
  unpark_all(joiners, WakeReason::kFired);
}

}  // namespace colibri
