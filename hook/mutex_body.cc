#include "colibri/hook/mutex_body.h"

#include <cerrno>
#include <cstring>
#include <limits>

#include "colibri/core/parking_lot.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"

namespace colibri {
namespace {

/// From when on a thread that waits wants the lock handed over.
constexpr std::int64_t kPatience = 1'000'000;

}  // namespace

void MutexBody::check_layout() noexcept {
  static_assert(sizeof(MutexBody) <= sizeof(pthread_mutex_t));
  static_assert(alignof(MutexBody) <= alignof(pthread_mutex_t));
  static_assert(offsetof(MutexBody, kind_) == offsetof(pthread_mutex_t, __data.__kind));
}

void MutexBody::init(int kind) noexcept {
  std::memset(static_cast<void*>(this), 0, sizeof(pthread_mutex_t));
  kind_ = kind;
}

int MutexBody::destroy() noexcept {
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
  if (!has_owner()) return try_acquire() ? 0 : EBUSY;
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
  std::int64_t waits_since = 0;
  std::uint32_t manner = 0;
  // Who has waited takes it as contended: he cannot know who else waits.
  while (word_.exchange(kContended, std::memory_order_acquire) != kFree) {
    if (waits_since == 0) {
      waits_since = monotonic_now();
    } else if (may_park || monotonic_now() - waits_since > kPatience) {
      manner = ParkingLot::kWantsHandOver;
    }
    WaitPlace* place = ParkingLot::join(this, may_park, manner, [this] {
      return word_.load(std::memory_order_relaxed) == kContended;
    });
    if (place == nullptr) continue;
    const WaitTerms terms{.deadline = until.deadline(), .may_fail = may_fail};
    const WakeReason reason = ParkingLot::wait(*place, terms, [] {});
    if (reason == WakeReason::kTimeout && !until.has_passed()) continue;
    if (reason != WakeReason::kFired) return error_of(reason, ETIMEDOUT);
    if ((place->index & ParkingLot::kHandedOver) != 0) return 0;
  }
  return 0;
}

void MutexBody::release_contended() noexcept {
  // Nobody joins meanwhile, for that needs the same lock of the bucket. After the store somebody
  // may lock, unlock and destroy the mutex.
  ParkingLot::wake_one(this, [this](WaitPlace* place) {
    if (place != nullptr && (place->index & ParkingLot::kWantsHandOver) != 0) {
      place->index |= ParkingLot::kHandedOver;
    } else {
      word_.store(kFree, std::memory_order_release);
    }
  });
}

}  // namespace colibri
