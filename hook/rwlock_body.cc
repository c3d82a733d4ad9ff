#include "colibri/hook/rwlock_body.h"

#include <cerrno>
#include <cstring>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/mutex_body.h"
#include "colibri/hook/patience.h"

namespace colibri {

void RwlockBody::check_layout() noexcept {
  static_assert(sizeof(RwlockBody) <= sizeof(pthread_rwlock_t));
  static_assert(alignof(RwlockBody) <= alignof(pthread_rwlock_t));
  static_assert(offsetof(RwlockBody, shared_) == offsetof(pthread_rwlock_t, __data.__shared));
  static_assert(offsetof(RwlockBody, flags_) == offsetof(pthread_rwlock_t, __data.__flags));
}

void RwlockBody::init(int kind) noexcept {
  std::memset(static_cast<void*>(this), 0, sizeof(pthread_rwlock_t));
  flags_ = static_cast<std::uint32_t>(kind);
}

/// Readers are many, and not noted.
std::uintptr_t RwlockBody::owner_at(const void* address) noexcept {
  const auto& self = *static_cast<const RwlockBody*>(address);
  const bool has_writer = (self.word_.load(std::memory_order_relaxed) & kWriter) != 0;
  return has_writer ? as_owner(self.writer_.load(std::memory_order_relaxed)) : 0;
}

void RwlockBody::become_writer() noexcept {
  writer_.store(current_flow(), std::memory_order_relaxed);
}

bool RwlockBody::is_own(std::uint64_t word) const noexcept {
  return (word & kWriter) != 0 && writer_.load(std::memory_order_relaxed) == current_flow();
}

bool RwlockBody::is_open(std::uint64_t word, Access access) const noexcept {
  if ((word & kHeld) == 0) return true;
  if (access == Access::kWrite || (word & (kWriter | kWriterGranted)) != 0) return false;
  return (word & kWriterWaiting) == 0 || !prefers_writers();
}

/// Takes it if it is open, also past those who wait.
bool RwlockBody::try_take(Access access) noexcept {
  std::uint64_t word = load_without_lost();
  do {
    if (!is_open(word, access) || readers_of(word) == kReaders) return false;
  } while (!word_.compare_exchange_weak(word, word + holder(access), std::memory_order_acquire,
                                        std::memory_order_relaxed));
  if (access == Access::kWrite) {
    become_writer();
  } else if ((word & kReaderWaiting) != 0 && !prefers_writers()) {
    // While readers hold it, no reader waits.
    serve(0);
  }
  return true;
}

/// Under the bucket's lock: false if it is open, otherwise it is known that somebody waits.
bool RwlockBody::must_wait(Access access) noexcept {
  const std::uint64_t waits = access == Access::kWrite ? kWriterWaiting : kReaderWaiting;
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  do {
    if (is_open(word, access)) return false;
  } while (!word_.compare_exchange_weak(word, word | waits, std::memory_order_relaxed));
  return true;
}

int RwlockBody::lock_slowly(Access access, const PointInTime& until, bool may_fail,
                            const void* caller) noexcept {
  const bool may_park = may_park_caller(caller);
  Patience patience(may_park);
  while (!try_take(access)) {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    if (is_own(word)) return EDEADLK;
    if (access == Access::kRead && readers_of(word) == kReaders) return EAGAIN;
    const std::uint32_t manner =
        patience.manner() | (access == Access::kWrite ? kWrites : std::uint32_t{0});
    WaitPlace* place = ParkingLot::join(
        this, may_park, manner, [this, access] { return must_wait(access); }, &pass_on);
    if (place == nullptr) continue;
    place->parked_at = &kThing;
    const WaitTerms terms{.deadline = until.deadline(), .may_fail = may_fail};
    const WakeReason reason = ParkingLot::wait(
        *place, terms, [] {}, [&until](Deadline& deadline) { return until.is_over(deadline); });
    if (reason != WakeReason::kFired) {
      // Readers may have waited for this writer only.
      serve(0);
      return error_of(reason, ETIMEDOUT);
    }
    if ((place->index & ParkingLot::kHandedOver) != 0) {
      take_grant(access);
      return 0;
    }
  }
  return 0;
}

void RwlockBody::take_grant(Access access) noexcept {
  if (access == Access::kRead) {
    word_.fetch_sub(kOneGranted - 1, std::memory_order_relaxed);
  } else {
    word_.fetch_sub(kWriterGranted - kWriter, std::memory_order_relaxed);
    become_writer();
  }
}

void RwlockBody::unlock_slowly(std::uint64_t holder) noexcept {
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    // Free already: that is for the program to answer for, as it is with libc.
    if (holder == 1 && (word & kReaders) == 0) return;
    // The last one who holds it serves those who wait. After that somebody may lock, unlock and
    // destroy it.
    if ((word & kWaiting) != 0 && (word & kHeld) == holder) return serve(holder);
    if (word_.compare_exchange_weak(word, word - holder, std::memory_order_release,
                                    std::memory_order_relaxed)) {
      return;
    }
  }
}

struct RwlockBody::Service {
  std::uint64_t word;           // afterwards
  WaitPlace* writer = nullptr;  // is woken
  bool readers = false;         // all of them are
};

/// What is to be done for those who wait from `first` on, when the word is `word` but for them.
/// Under the bucket's lock.
RwlockBody::Service RwlockBody::plan_service(std::uint64_t word, WaitPlace* first) const noexcept {
  std::uint64_t readers = 0;
  std::uint64_t writers = 0;
  WaitPlace* first_writer = nullptr;
  for (WaitPlace* place = first; place != nullptr; place = ParkingLot::next_of(*place)) {
    const bool writes = (place->index & kWrites) != 0;
    ++(writes ? writers : readers);
    if (writes && first_writer == nullptr) first_writer = place;
  }
  Service service{.word = word & ~kWaiting};
  const bool by_order =
      !prefers_writers() || first == nullptr || (first->index & ParkingLot::kGoesFirst) != 0;
  const bool is_writers_turn = first_writer != nullptr && (!by_order || first == first_writer);
  if (is_writers_turn && (word & kHeld) == 0) {
    service.writer = first_writer;
    --writers;
    if ((first_writer->index & ParkingLot::kWantsHandOver) != 0) service.word |= kWriterGranted;
  } else if ((!is_writers_turn || !prefers_writers()) && (word & (kWriter | kWriterGranted)) == 0 &&
             readers_of(word) + readers <= kReaders) {
    service.readers = true;
    service.word += readers * kOneGranted;
    readers = 0;
  }
  if (readers != 0) service.word |= kReaderWaiting;
  if (writers != 0) service.word |= kWriterWaiting;
  return service;
}

/// Takes `released` from the word, and wakes who may then go on.
void RwlockBody::serve(std::uint64_t released) noexcept {
  ParkingLot::serve(this, [this, released](WaitPlace* first, ParkingLot::Chosen& chosen) {
    drop_lost();
    handed_in_.store(ParkingLot::generation(), std::memory_order_relaxed);
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    Service service;
    do {
      service = plan_service(word - released, first);
    } while (!word_.compare_exchange_weak(word, service.word, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    if (service.writer != nullptr) {
      if ((service.word & kWriterGranted) != 0) service.writer->index |= ParkingLot::kHandedOver;
      chosen.take(*service.writer);
    }
    WaitPlace* place = service.readers ? first : nullptr;
    while (place != nullptr) {
      WaitPlace* const next = ParkingLot::next_of(*place);
      if ((place->index & kWrites) == 0) {
        place->index |= ParkingLot::kHandedOver;
        chosen.take(*place);
      }
      place = next;
    }
  });
}

/// Somebody else has it instead of one who was woken, and was abandoned.
void RwlockBody::pass_on(WaitPlace& place) noexcept {
  const bool granted = (place.index & ParkingLot::kHandedOver) != 0;
  const bool writes = (place.index & kWrites) != 0;
  const std::uint64_t grant = writes ? kWriterGranted : kOneGranted;
  reinterpret_cast<RwlockBody*>(place.note)->serve(granted ? grant : 0);
}

bool RwlockBody::has_lost(std::uint64_t word) const noexcept {
  return (word & kGranted) != 0 &&
         handed_in_.load(std::memory_order_relaxed) != ParkingLot::generation();
}

/// The word, without what was granted to those who are not in this process.
std::uint64_t RwlockBody::load_without_lost() noexcept {
  const std::uint64_t word = word_.load(std::memory_order_relaxed);
  if (!has_lost(word)) [[likely]]
    return word;
  ParkingLot::serve(this, [this](WaitPlace*, ParkingLot::Chosen&) { drop_lost(); });
  return word_.load(std::memory_order_relaxed);
}

/// Under the bucket's lock, so that nothing is granted meanwhile.
void RwlockBody::drop_lost() noexcept {
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  while (has_lost(word) &&
         !word_.compare_exchange_weak(word, word & ~kGranted, std::memory_order_relaxed)) {
  }
}

}  // namespace colibri
