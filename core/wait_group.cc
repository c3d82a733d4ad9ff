#include "colibri/core/wait_group.h"

#include "colibri/core/check.h"

namespace colibri {

WaitGroup::State::~State() {
  check(waiting.empty(),
        "a WaitGroup was destroyed while others wait for it; give each a handle of its own, by "
        "capturing a copy");
}

void WaitGroup::add(std::size_t count) const noexcept {
  const BiasedGuard guard(state_->lock);
  state_->left += count;
}

void WaitGroup::done() const noexcept {
  BiasedGuard guard(state_->lock);
  check(state_->left != 0, "WaitGroup::done called more often than add announced");
  WaitPlace* claimed = --state_->left == 0 ? state_->waiting.claim_all() : nullptr;
  guard.release();
  wake_all(claimed);
}

bool WaitGroup::wait_until(Deadline deadline) const {
  begin_call("WaitGroup::wait");
  BiasedGuard guard(state_->lock);
  if (state_->left == 0) return true;
  const WakeReason reason = wait_in(state_->waiting, state_->lock, guard, {.deadline = deadline});
  return came_in_time(reason, "WaitGroup::wait");
}

void WaitGroup::State::look(BiasedLock& lock, WaitFacts& facts) noexcept {
  facts.counted = "to be done";
  facts.count = static_cast<std::size_t>(reinterpret_cast<const WaitGroup::State&>(lock).left);
}

}  // namespace colibri
