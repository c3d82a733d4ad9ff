#include "colibri/core/parking_lot.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "colibri/core/wait.h"

namespace colibri {

constinit ParkingLot::Table ParkingLot::table_;

WaitPlace& ParkingLot::begin(const void* address, bool may_park, std::uint32_t manner) noexcept {
  static constinit std::atomic<bool> prepared{false};
  if (!prepared.load(std::memory_order_relaxed)) [[unlikely]] {
    const int saved_errno = errno;
    madvise(&table_, sizeof table_, MADV_WIPEONFORK);
    errno = saved_errno;
    prepared.store(true, std::memory_order_relaxed);
  }
  WaitPlace& place = (may_park ? Waiter::begin() : Waiter::begin_as_thread()).place;
  place.note = reinterpret_cast<std::uintptr_t>(address);
  place.index = manner;
  return place;
}

bool ParkingLot::goes_first(const WaitPlace& place) noexcept {
  return !place.waiter->is_coroutine() && thread_state.scheduler != nullptr;
}

void ParkingLot::forget(WaitPlace& place) noexcept {
  Bucket& bucket = bucket_of(reinterpret_cast<const void*>(place.note));
  const SmallLockGuard guard(bucket.lock);
  // It may as well be queued elsewhere.
  for (WaitPlace* each = bucket.waiting.first(); each != nullptr; each = each->next) {
    if (each != &place) continue;
    bucket.waiting.remove(place);
    return;
  }
}

void ParkingLot::wipe_in_child() noexcept {
  // There is one thread only.
  std::memset(static_cast<void*>(&table_), 0, sizeof table_);
}

WaitPlace* ParkingLot::claim_all(Bucket& bucket, const void* address) noexcept {
  WaitPlace* claimed = nullptr;
  WaitPlace** end = &claimed;
  WaitPlace* place = find(bucket.waiting.first(), address);
  while (place != nullptr) {
    WaitPlace* const next = find(place->next, address);
    bucket.waiting.remove(*place);
    *end = place;
    end = &place->next;
    place = next;
  }
  *end = nullptr;
  return claimed;
}

void ParkingLot::wake(Waiter* waiter) noexcept {
  waiter->wake();
}

}  // namespace colibri
