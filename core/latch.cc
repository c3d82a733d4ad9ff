#include "colibri/core/latch.h"

#include "colibri/core/check.h"

namespace colibri {

Latch::~Latch() {
  check(waiting_.empty(), "a Latch was destroyed while others wait for it");
}

void Latch::count_down(std::ptrdiff_t count) noexcept {
  BiasedGuard guard(lock_);
  check(count <= expected_, "Latch::count_down called for more than were expected");
  expected_ -= count;
  WaitPlace* claimed = expected_ == 0 ? waiting_.claim_all() : nullptr;
  guard.release();
  wake_all(claimed);
}

bool Latch::try_wait() const noexcept {
  const BiasedGuard guard(lock_);
  return expected_ == 0;
}

void Latch::wait() const {
  begin_call("Latch::wait");
  BiasedGuard guard(lock_);
  if (expected_ == 0) return;
  came_in_time(wait_in(waiting_, lock_, guard, {}), "Latch::wait");
}

void Latch::look(BiasedLock& lock, WaitFacts& facts) noexcept {
  facts.counted = "expected";
  facts.count = static_cast<std::size_t>(reinterpret_cast<const Latch&>(lock).expected_);
}

}  // namespace colibri
