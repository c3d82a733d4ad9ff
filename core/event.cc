#include "colibri/core/event.h"

#include "colibri/core/check.h"

namespace colibri {

Event::State::~State() {
  check(waiting.empty(),
        "an Event was destroyed while others wait for it; give each a handle of its own, by "
        "capturing a copy");
}

void Event::set() const noexcept {
  BiasedGuard guard(state_->lock);
  state_->is_set = true;
  WaitPlace* claimed = state_->waiting.claim_all();
  guard.release();
  wake_all(claimed);
}

void Event::reset() const noexcept {
  const BiasedGuard guard(state_->lock);
  state_->is_set = false;
}

bool Event::is_set() const noexcept {
  const BiasedGuard guard(state_->lock);
  return state_->is_set;
}

bool Event::wait_until(Deadline deadline) const {
  begin_call("Event::wait");
  BiasedGuard guard(state_->lock);
  if (state_->is_set) return true;
  const WakeReason reason = wait_in(state_->waiting, state_->lock, guard, {.deadline = deadline});
  return came_in_time(reason, "Event::wait");
}

void Event::wait_regardless() const noexcept {
  BiasedGuard guard(state_->lock);
  if (!state_->is_set) wait_in(state_->waiting, state_->lock, guard, {.may_fail = false});
}

}  // namespace colibri
