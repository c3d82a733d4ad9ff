#include "colibri/core/mutex.h"

#include "colibri/core/check.h"

namespace colibri {

Mutex::~Mutex() {
  check(waiting_.empty(), "a Mutex was destroyed while others wait for it");
}

void Mutex::look(BiasedLock& lock, WaitFacts& facts) noexcept {
  const auto& self = reinterpret_cast<const Mutex&>(lock);
  facts.owner = self.owner_.load(std::memory_order_relaxed) & ~kAwaited;
}

bool Mutex::try_lock_slowly(Owner self) noexcept {
  const BiasedGuard guard(lock_);
  Owner expected = kNobody;
  return owner_.compare_exchange_strong(expected, self, std::memory_order_acq_rel);
}

WakeReason Mutex::lock_slowly(Owner self, const WaitTerms& terms) noexcept {
  BiasedGuard guard(lock_);
  Owner owner = owner_.load(std::memory_order_relaxed);
  for (;;) {
    if (owner == kNobody) {
      if (owner_.compare_exchange_weak(owner, self, std::memory_order_acq_rel)) {
        return WakeReason::kFired;
      }
      continue;
    }
    check((owner & ~kAwaited) != self,
          "Mutex::lock called by the coroutine or thread that owns it: it would wait for ever");
    // From now on the owner's unlock comes here, to the guard, to hand over.
    if ((owner & kAwaited) != 0 ||
        owner_.compare_exchange_weak(owner, owner | kAwaited, std::memory_order_acq_rel)) {
      break;
    }
  }
  const WakeReason reason = wait_in(waiting_, lock_, guard, terms, self);
  if (reason != WakeReason::kFired && waiting_.empty()) {
    owner_.fetch_and(~kAwaited, std::memory_order_acq_rel);
  }
  return reason;
}

void Mutex::unlock_slowly(Owner self) noexcept {
  BiasedGuard guard(lock_);
  const Owner owner = owner_.load(std::memory_order_acquire);
  check((owner & ~kAwaited) == self,
        "Mutex::unlock called by a coroutine or thread that does not own it; who locked it must "
        "unlock it");
  WaitPlace* next = waiting_.claim_first();
  Owner successor = kNobody;
  if (next != nullptr) successor = next->note | (waiting_.empty() ? 0 : kAwaited);
  owner_.store(successor, std::memory_order_release);
  // The successor may destroy the mutex as soon as it runs.
  guard.release();
  if (next != nullptr) next->waiter->wake();
}

bool TimedMutex::try_lock_until(Deadline deadline) {
  if (try_lock()) return true;
  return came_in_time(lock_slowly(current_owner(), {.deadline = deadline}), "TimedMutex::try_lock");
}

}  // namespace colibri
