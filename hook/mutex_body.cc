#include "colibri/hook/mutex_body.h"

#include <cerrno>
#include <cstring>
#include <limits>

#include "colibri/core/parking_lot.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"

namespace colibri {
namespace {

/// Who runs, as an owner: odd for a coroutine, whose number is never used again, and the address of
/// its state for a thread. That one stays the same in the child of a fork.
std::uint64_t current_flow() noexcept {
  const ControlBlock* coroutine = thread_state.current;
  if (coroutine != nullptr) return (std::uint64_t{coroutine->id} << 1) | 1;
  return reinterpret_cast<std::uintptr_t>(&thread_state);
}

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

/// True if the lock is the caller's already: `result` is what locking it again gives.
bool MutexBody::enter_again(int& result) noexcept {
  if (owner_.load(std::memory_order_relaxed) != current_flow()) return false;
  result = EDEADLK;
  if (kind() == PTHREAD_MUTEX_RECURSIVE) {
    const bool full = depth_ == std::numeric_limits<std::uint32_t>::max();
    if (!full) ++depth_;
    result = full ? EAGAIN : 0;
  }
  return true;
}

int MutexBody::lock(const void* caller) noexcept {
  return lock_slowly(PointInTime::never(), false, caller);
}

int MutexBody::lock_until(const PointInTime& until, const void* caller) noexcept {
  return lock_slowly(until, true, caller);
}

int MutexBody::lock_slowly(const PointInTime& until, bool may_fail, const void* caller) noexcept {
  if (!has_owner()) return acquire(until, may_fail, caller);
  int result = 0;
  if (enter_again(result)) return result;
  result = acquire(until, may_fail, caller);
  if (result != 0) return result;
  owner_.store(current_flow(), std::memory_order_relaxed);
  depth_ = 1;
  return 0;
}

int MutexBody::try_lock() noexcept {
  if (!has_owner()) return try_acquire() ? 0 : EBUSY;
  int result = 0;
  if (enter_again(result)) return kind() == PTHREAD_MUTEX_RECURSIVE ? result : EBUSY;
  if (!try_acquire()) return EBUSY;
  owner_.store(current_flow(), std::memory_order_relaxed);
  depth_ = 1;
  return 0;
}

int MutexBody::acquire(const PointInTime& until, bool may_fail, const void* caller) noexcept {
  if (try_acquire()) return 0;
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

int MutexBody::unlock() noexcept {
  if (has_owner()) {
    if (owner_.load(std::memory_order_relaxed) != current_flow()) return EPERM;
    if (--depth_ != 0) return 0;
    owner_.store(kNobody, std::memory_order_relaxed);
  }
  release();
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
