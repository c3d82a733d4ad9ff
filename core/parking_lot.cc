#include "colibri/core/parking_lot.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "colibri/core/wait.h"

namespace colibri {

constinit ParkingLot::Table ParkingLot::table_;

WaitPlace& ParkingLot::begin(const void* address, bool may_park, std::uint32_t manner) noexcept {
  generation();  // has the table wiped in children
  WaitPlace& place = (may_park ? Waiter::begin() : Waiter::begin_as_thread()).place;
  place.note = reinterpret_cast<std::uintptr_t>(address);
  place.index = manner;
  place.parked_at = nullptr;
  place.waiter->pass_on = nullptr;
  const bool blocks_a_scheduler =
      !place.waiter->is_coroutine() && thread_state.scheduler != nullptr;
  if (blocks_a_scheduler) place.index |= kGoesFirst;
  return place;
}

std::uint32_t ParkingLot::begin_generation() noexcept {
  static constinit std::atomic<std::uint32_t> last{0};  // the table's own is wiped
  const int saved_errno = errno;
  madvise(&table_, sizeof table_, MADV_WIPEONFORK);
  errno = saved_errno;
  std::uint32_t now = 0;
  const std::uint32_t fresh = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return table_.generation.compare_exchange_strong(now, fresh, std::memory_order_relaxed) ? fresh
                                                                                          : now;
}

bool ParkingLot::forget(WaitPlace& place) noexcept {
  Bucket& bucket = bucket_of(reinterpret_cast<const void*>(place.note));
  const BucketGuard guard(bucket);
  // It may as well be queued elsewhere.
  for (WaitPlace* each = bucket.waiting.first(); each != nullptr; each = each->next) {
    if (each != &place) continue;
    bucket.waiting.remove(place);
    return true;
  }
  return false;
}

void ParkingLot::abandon(Waiter& waiter) noexcept {
  if (forget(waiter.place) || waiter.pass_on == nullptr) return;
  waiter.pass_on(waiter.place);
  waiter.pass_on = nullptr;
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

void ParkingLot::wake_from_anywhere(Waiter* waiter) noexcept {
  waiter->wake_from_anywhere();
}

void ParkingLot::wake_missed(Bucket& bucket) noexcept {
  while (bucket.missed.load() && bucket.lock.try_lock()) {
    bucket.missed.store(false);
    WaitPlace* claimed = nullptr;
    WaitPlace* place = bucket.waiting.first();
    while (place != nullptr) {
      WaitPlace* const next = place->next;
      if ((place->index & kCanBeMissed) != 0) {
        bucket.waiting.remove(*place);
        place->next = claimed;
        claimed = place;
      }
      place = next;
    }
    bucket.lock.unlock();
    while (claimed != nullptr) {
      WaitPlace* const next = claimed->next;
      claimed->waiter->wake_from_anywhere();
      claimed = next;
    }
  }
}

}  // namespace colibri
