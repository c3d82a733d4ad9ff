#include "colibri/hook/sem_body.h"

#include <cerrno>
#include <cstring>

#include "colibri/core/waited_thing.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/patience.h"

namespace colibri {
namespace {

/// Where glibc notes whether processes share it; it says so nowhere.
constexpr std::size_t kOffsetOfSharing = 8;

constexpr ParkedThing kThing{"POSIX semaphore"};

}  // namespace

void SemBody::check_layout() noexcept {
  static_assert(sizeof(SemBody) <= sizeof(sem_t));
  static_assert(alignof(SemBody) <= alignof(sem_t));
  static_assert(offsetof(SemBody, sharing_) == kOffsetOfSharing);
}

void SemBody::init(std::uint32_t value) noexcept {
  std::memset(static_cast<void*>(this), 0, sizeof(sem_t));
  word_.store(value, std::memory_order_relaxed);
}

void SemBody::wake_one() noexcept {
  ParkingLot::wake_one_from_anywhere(this, [this](WaitPlace& place) { return give(place); });
}

/// Under the bucket's lock: true if `place` is to be woken, with a unit in its hands if it wants
/// that.
bool SemBody::give(WaitPlace& place) noexcept {
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  // A newcomer was faster: whoever waits goes on to do so.
  if ((word & kValue) == 0) return false;
  if ((place.index & ParkingLot::kWantsHandOver) == 0) return true;
  while (!word_.compare_exchange_weak(word, word - 1 - kOneWaits, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
    if ((word & kValue) == 0) return false;
  }
  drop_lost();
  handed_in_.store(ParkingLot::generation(), std::memory_order_relaxed);
  handed_.fetch_add(1, std::memory_order_relaxed);
  place.index |= ParkingLot::kHandedOver;
  return true;
}

bool SemBody::take_as_waiter() noexcept {
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  while ((word & kValue) != 0) {
    if (word_.compare_exchange_weak(word, word - 1 - kOneWaits, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

int SemBody::take_slowly(const PointInTime& until, const void* caller) {
  const bool may_park = may_park_caller(caller);
  Patience patience(may_park);
  // What a post needs must not be looked for in a signal handler.
  real::write.find();
  // Before the value is looked at: either a post sees that somebody waits, or he sees its unit.
  word_.fetch_add(kOneWaits, std::memory_order_acq_rel);
  while (!take_as_waiter()) {
    const std::uint32_t manner = patience.manner() | ParkingLot::kCanBeMissed;
    WaitPlace* place = ParkingLot::join(
        this, may_park, manner,
        [this] { return (word_.load(std::memory_order_acquire) & kValue) == 0; }, &pass_on);
    if (place == nullptr) continue;
    place->parked_at = &kThing;
    const WaitTerms terms{
        .deadline = until.deadline(), .interruptible = true, .never_restarts = !until.is_never()};
    const WakeReason reason = ParkingLot::wait_cancelable(
        *place, terms, [this] { stop_waiting(); }, [place] { pass_on(*place); },
        [&until](Deadline& deadline) { return until.is_over(deadline); });
    if (reason != WakeReason::kFired) return error_of(reason, ETIMEDOUT);
    if (has_been_given(*place)) return 0;
  }
  return 0;
}

/// For one who was woken: true, and the unit is no longer on its way, if it was handed one.
bool SemBody::has_been_given(const WaitPlace& place) noexcept {
  if ((place.index & ParkingLot::kHandedOver) == 0) return false;
  handed_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

/// Somebody else has the unit instead of one who was woken, and will not go on.
void SemBody::pass_on(WaitPlace& place) noexcept {
  auto& body = *reinterpret_cast<SemBody*>(place.note);
  if (body.has_been_given(place)) {
    body.post();
  } else {
    body.stop_waiting();
    body.wake_one();
  }
}

/// In the child of a fork: gives units back to the value that were handed to those who are not
/// there, and takes one.
bool SemBody::take_back_lost() noexcept {
  if (handed_in_.load(std::memory_order_relaxed) == ParkingLot::generation()) return false;
  ParkingLot::serve(this, [this](WaitPlace*, ParkingLot::Chosen&) { drop_lost(); });
  return try_take_at_once();
}

/// Under the bucket's lock.
void SemBody::drop_lost() noexcept {
  if (handed_in_.load(std::memory_order_relaxed) == ParkingLot::generation()) return;
  const std::uint32_t lost = handed_.exchange(0, std::memory_order_relaxed);
  word_.fetch_add(lost, std::memory_order_relaxed);
}

std::uint32_t SemBody::value() noexcept {
  if (handed_.load(std::memory_order_relaxed) != 0) {
    ParkingLot::serve(this, [this](WaitPlace*, ParkingLot::Chosen&) { drop_lost(); });
  }
  return static_cast<std::uint32_t>(word_.load(std::memory_order_acquire) & kValue);
}

}  // namespace colibri
