#include "colibri/core/shared_mutex.h"

#include "colibri/core/check.h"

namespace colibri {

SharedMutex::~SharedMutex() {
  check(waiting_.empty(), "a SharedMutex was destroyed while others wait for it");
}

bool SharedMutex::enter_locked(Wish wish) noexcept {
  if (writer_ != 0 || (wish != kReader && readers_ != 0)) return false;
  if (wish == kReader) {
    ++readers_;
  } else {
    writer_ = wish;
  }
  return true;
}

void SharedMutex::look(BiasedLock& lock, WaitFacts& facts) noexcept {
  const auto& self = reinterpret_cast<const SharedMutex&>(lock);
  facts.owner = self.writer_;
  if (self.writer_ != 0) return;
  facts.counted = "sharing it";
  facts.count = self.readers_;
}

bool SharedMutex::try_acquire(Wish wish) noexcept {
  const BiasedGuard guard(lock_);
  return waiting_.empty() && enter_locked(wish);
}

WakeReason SharedMutex::acquire(Wish wish, const WaitTerms& terms) noexcept {
  begin_call_at(lock_);
  BiasedGuard guard(lock_);
  if (waiting_.empty() && enter_locked(wish)) return WakeReason::kFired;
  const WakeReason reason = wait_in(waiting_, lock_, guard, terms, wish);
  // A writer that gives up no longer keeps the readers behind it out.
  if (reason != WakeReason::kFired) admit(guard);
  return reason;
}

/// Lets in whoever stands in front and may; releases the guard.
void SharedMutex::admit(BiasedGuard& guard) noexcept {
  WaitPlace* admitted = nullptr;
  WaitPlace** end = &admitted;
  while (!waiting_.empty() && enter_locked(waiting_.first()->note)) {
    *end = waiting_.claim_first();
    end = &(*end)->next;
  }
  // None that was claimed is null: NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
  *end = nullptr;
  guard.release();
  wake_all(admitted);
}

void SharedMutex::unlock() noexcept {
  BiasedGuard guard(lock_);
  check(writer_ != 0, "SharedMutex::unlock called while nobody owns it exclusively");
  writer_ = 0;
  admit(guard);
}

void SharedMutex::unlock_shared() noexcept {
  BiasedGuard guard(lock_);
  check(readers_ != 0, "SharedMutex::unlock_shared called while nobody shares it");
  --readers_;
  admit(guard);
}

bool SharedMutex::try_lock_until(Deadline deadline) {
  return came_in_time(acquire(current_owner(), {.deadline = deadline}), "SharedMutex::try_lock");
}

bool SharedMutex::try_lock_shared_until(Deadline deadline) {
  return came_in_time(acquire(kReader, {.deadline = deadline}), "SharedMutex::try_lock_shared");
}

}  // namespace colibri
