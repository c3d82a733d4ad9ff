#include "colibri/core/semaphore.h"

#include "colibri/core/check.h"

namespace colibri {

Semaphore::~Semaphore() {
  check(waiting_.empty(), "a Semaphore was destroyed while others wait for it");
}

bool Semaphore::try_acquire() noexcept {
  const BiasedGuard guard(lock_);
  if (permits_ == 0) return false;
  --permits_;
  return true;
}

bool Semaphore::try_acquire_until(Deadline deadline) {
  begin_call("Semaphore::acquire");
  BiasedGuard guard(lock_);
  if (permits_ != 0) {
    --permits_;
    return true;
  }
  const WakeReason reason = wait_in(waiting_, lock_, guard, {.deadline = deadline});
  return came_in_time(reason, "Semaphore::acquire");
}

void Semaphore::release(std::ptrdiff_t count) noexcept {
  WaitPlace* served = nullptr;
  WaitPlace** end = &served;
  BiasedGuard guard(lock_);
  for (; count > 0; --count) {
    WaitPlace* place = waiting_.claim_first();
    if (place == nullptr) break;
    *end = place;
    end = &place->next;
  }
  *end = nullptr;
  permits_ += count;
  guard.release();
  wake_all(served);
}

void Semaphore::look(BiasedLock& lock, WaitFacts& facts) noexcept {
  facts.counted = "permits";
  facts.count = static_cast<std::size_t>(reinterpret_cast<const Semaphore&>(lock).permits_);
}

}  // namespace colibri
