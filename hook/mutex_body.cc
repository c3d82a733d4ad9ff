#include "colibri/hook/mutex_body.h"

#include <cerrno>
#include <cstring>
#include <limits>

#include "colibri/core/parking_lot.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/patience.h"

namespace colibri {

void MutexBody::check_layout() noexcept {
  static_assert(sizeof(MutexBody) <= sizeof(pthread_mutex_t));
  static_assert(alignof(MutexBody) <= alignof(pthread_mutex_t));
  static_assert(offsetof(MutexBody, kind_) == offsetof(pthread_mutex_t, __data.__kind));
}

std::uintptr_t MutexBody::owner_at(const void* address) noexcept {
  const auto& self = *static_cast<const MutexBody*>(address);
  const std::uint64_t owner = self.owner_.load(std::memory_order_relaxed);
  if (self.has_owner()) return as_owner(owner);
  const std::uint32_t word = self.word_.load(std::memory_order_relaxed);
  // Who it was handed to notes it when he runs.
  if (word == kFree || word == kHandedOver) return 0;
  return owner != 0 ? owner : WaitFacts::kOfThread;
}

void MutexBody::init(int kind) noexcept {
  std::memset(static_cast<void*>(this), 0, sizeof(pthread_mutex_t));
  kind_ = kind;
}

int MutexBody::destroy() noexcept {
  free_if_lost();
  if (word_.load(std::memory_order_relaxed) != kFree) return EBUSY;
  kind_ = kDestroyed;
  return 0;
}

int MutexBody::enter_again() noexcept {
  if (kind() == PTHREAD_MUTEX_ERRORCHECK) return EDEADLK;
  if (depth_ == std::numeric_limits<std::uint32_t>::max()) return EAGAIN;
  ++depth_;
  return 0;
}

int MutexBody::try_lock() noexcept {
  if (word_.load(std::memory_order_relaxed) == kHandedOver) [[unlikely]]
    free_if_lost();
  if (!has_owner()) return try_acquire_plain() ? 0 : EBUSY;
  const std::uint64_t self = current_flow();
  if (owner_.load(std::memory_order_relaxed) == self) {
    return kind() == PTHREAD_MUTEX_RECURSIVE ? enter_again() : EBUSY;
  }
  if (!try_acquire()) return EBUSY;
  become_owner(self);
  return 0;
}

int MutexBody::acquire_slowly(const PointInTime& until, bool may_fail,
                              const void* caller) noexcept {
  if (!until.is_valid()) return EINVAL;
  const bool may_park = may_park_caller(caller);
  Patience patience(may_park);
  while (!acquire_contended()) {
    WaitPlace* place = ParkingLot::join(
        this, may_park, patience.manner(),
        [this] { return word_.load(std::memory_order_relaxed) >= kContended; }, &pass_on);
    if (place == nullptr) continue;
    place->parked_at = &kThing;
    const WaitTerms terms{.deadline = until.deadline(), .may_fail = may_fail};
    const WakeReason reason = ParkingLot::wait(
        *place, terms, [] {}, [&until](Deadline& deadline) { return until.is_over(deadline); });
    if (reason != WakeReason::kFired) return error_of(reason, ETIMEDOUT);
    if ((place->index & ParkingLot::kHandedOver) != 0) {
      word_.store(kContended, std::memory_order_relaxed);
      return 0;
    }
  }
  return 0;
}

/// Takes it if it is free, as contended: who has waited cannot know who else waits. Otherwise it is
/// contended from now on.
bool MutexBody::acquire_contended() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    if (word == kContended) return false;
    if (word == kHandedOver) {
      free_if_lost();
      word = word_.load(std::memory_order_relaxed);
      if (word == kHandedOver) return false;
      continue;
    }
    if (word_.compare_exchange_weak(word, kContended, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return word == kFree;
    }
  }
}

/// Takes it back from one who is not in this process.
void MutexBody::free_if_lost() noexcept {
  if (word_.load(std::memory_order_relaxed) != kHandedOver) return;
  if (handed_in_.load(std::memory_order_relaxed) == ParkingLot::generation()) return;
  ParkingLot::serve(this, [this](WaitPlace*, ParkingLot::Chosen&) {
    // Another one may have been faster, and may have handed it over again.
    if (word_.load(std::memory_order_relaxed) == kHandedOver &&
        handed_in_.load(std::memory_order_relaxed) != ParkingLot::generation()) {
      word_.store(kFree, std::memory_order_relaxed);
    }
  });
}

/// Somebody else has it instead of one who was woken, and was abandoned.
void MutexBody::pass_on(WaitPlace& place) noexcept {
  auto& body = *reinterpret_cast<MutexBody*>(place.note);
  if ((place.index & ParkingLot::kHandedOver) != 0) return body.release_contended();
  ParkingLot::wake_one(&body, [](const WaitPlace*) {});
}

void MutexBody::release_contended() noexcept {
  // Nobody joins meanwhile, for that needs the same lock of the bucket. After the store somebody
  // may lock, unlock and destroy the mutex.
  ParkingLot::wake_one(this, [this](WaitPlace* place) {
    if (place != nullptr && (place->index & ParkingLot::kWantsHandOver) != 0) {
      place->index |= ParkingLot::kHandedOver;
      handed_in_.store(ParkingLot::generation(), std::memory_order_relaxed);
      word_.store(kHandedOver, std::memory_order_release);
    } else {
      word_.store(kFree, std::memory_order_release);
    }
  });
}

}  // namespace colibri
