#include "colibri/core/barrier.h"

#include "colibri/core/check.h"

namespace colibri {

BarrierBase::~BarrierBase() {
  check(waiting_.empty(), "a Barrier was destroyed while others wait for it");
}

BarrierBase::arrival_token BarrierBase::arrive_base(std::ptrdiff_t count, std::ptrdiff_t dropping,
                                                    bool& last) noexcept {
  const BiasedGuard guard(lock_);
  check(count <= missing_, "Barrier::arrive called by more than are expected");
  missing_ -= count;
  expected_ -= dropping;
  last = missing_ == 0;
  return arrival_token{phase_};
}

void BarrierBase::begin_phase() noexcept {
  BiasedGuard guard(lock_);
  ++phase_;
  missing_ = expected_;
  WaitPlace* claimed = waiting_.claim_all();
  guard.release();
  wake_all(claimed);
}

void BarrierBase::wait_base(arrival_token arrival) const {
  begin_call("Barrier::wait");
  BiasedGuard guard(lock_);
  if (arrival_token{phase_} != arrival) return;
  came_in_time(wait_in(waiting_, lock_, guard, {}), "Barrier::wait");
}

void BarrierBase::look(BiasedLock& lock, WaitFacts& facts) noexcept {
  facts.counted = "missing";
  facts.count = static_cast<std::size_t>(reinterpret_cast<const BarrierBase&>(lock).missing_);
}

}  // namespace colibri
