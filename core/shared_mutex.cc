#include "colibri/core/shared_mutex.h"

#include "colibri/core/check.h"

namespace colibri {

SharedMutex::~SharedMutex() {
  check(waiting_.empty(), "a SharedMutex was destroyed while others wait for it");
}

bool SharedMutex::enter_locked(Kind kind) noexcept {
  if (writer_ || (kind == kWriter && readers_ != 0)) return false;
  if (kind == kWriter) {
    writer_ = true;
  } else {
    ++readers_;
  }
  return true;
}

bool SharedMutex::try_acquire(Kind kind) noexcept {
  const BiasedGuard guard(lock_);
  return waiting_.empty() && enter_locked(kind);
}

WakeReason SharedMutex::acquire(Kind kind, const WaitTerms& terms) noexcept {
  begin_call_at(lock_);
  BiasedGuard guard(lock_);
  if (waiting_.empty() && enter_locked(kind)) return WakeReason::kFired;
  const WakeReason reason = wait_in(waiting_, lock_, guard, terms, kind);
  // A writer that gives up no longer keeps the readers behind it out.
  if (reason != WakeReason::kFired) admit(guard);
  return reason;
}

/// Lets in whoever stands in front and may; releases the guard.
void SharedMutex::admit(BiasedGuard& guard) noexcept {
  WaitPlace* admitted = nullptr;
  WaitPlace** end = &admitted;
  while (!waiting_.empty() && enter_locked(static_cast<Kind>(waiting_.first()->note))) {
    *end = waiting_.claim_first();
    end = &(*end)->next;
  }
  *end = nullptr;
  guard.release();
  wake_all(admitted);
}

void SharedMutex::unlock() noexcept {
  BiasedGuard guard(lock_);
  check(writer_, "SharedMutex::unlock called while nobody owns it exclusively");
  writer_ = false;
  admit(guard);
}

void SharedMutex::unlock_shared() noexcept {
  BiasedGuard guard(lock_);
  check(readers_ != 0, "SharedMutex::unlock_shared called while nobody shares it");
  --readers_;
  admit(guard);
}

bool SharedMutex::try_lock_until(Deadline deadline) {
  return came_in_time(acquire(kWriter, {.deadline = deadline}), "SharedMutex::try_lock");
}

bool SharedMutex::try_lock_shared_until(Deadline deadline) {
  return came_in_time(acquire(kReader, {.deadline = deadline}), "SharedMutex::try_lock_shared");
}

}  // namespace colibri
