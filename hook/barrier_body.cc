#include "colibri/hook/barrier_body.h"

#include <limits.h>

#include <cstring>

#include "colibri/core/parking_lot.h"
#include "colibri/core/waited_thing.h"
#include "colibri/hook/calling_object.h"

namespace colibri {
namespace {

/// Where glibc notes whether processes share it; it says so nowhere.
constexpr std::size_t kOffsetOfShared = 12;

constexpr ParkedThing kThing{"pthread barrier"};

}  // namespace

void BarrierBody::check_layout() noexcept {
  static_assert(sizeof(BarrierBody) <= sizeof(pthread_barrier_t));
  static_assert(alignof(BarrierBody) <= alignof(pthread_barrier_t));
  static_assert(offsetof(BarrierBody, shared_) == kOffsetOfShared);
}

int BarrierBody::init(unsigned count) noexcept {
  if (count == 0 || count >= INT_MAX) return EINVAL;
  std::memset(static_cast<void*>(this), 0, sizeof(pthread_barrier_t));
  count_ = count;
  return 0;
}

int BarrierBody::destroy() noexcept {
  int result = 0;
  ParkingLot::serve(this, [&result](const WaitPlace* first, ParkingLot::Chosen&) {
    if (first != nullptr) result = EBUSY;
  });
  return result;
}

int BarrierBody::wait(const void* caller) noexcept {
  const auto must_wait = [this] {
    if (++arrived_ < count_) return true;
    arrived_ = 0;
    return false;
  };
  WaitPlace* place = ParkingLot::join_or_wake_all(this, may_park_caller(caller), must_wait);
  if (place == nullptr) return PTHREAD_BARRIER_SERIAL_THREAD;
  place->parked_at = &kThing;
  ParkingLot::wait(*place, {.may_fail = false}, [] {});
  return 0;
}

}  // namespace colibri
