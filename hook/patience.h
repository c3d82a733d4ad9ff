// When a waiter that was woken and came too late wants no more chances.
//
// Who is woken competes with whoever comes along: threads that hand a lock over at every unlock
// crawl. But coroutines of one thread run in turns, so that one that always comes while another
// holds the lock would never get it. So a coroutine that has lost once has the lock handed over,
// and a thread that has lost for a millisecond.
#pragma once

#include <cstdint>

#include "colibri/core/parking_lot.h"

namespace colibri {

/// Of one call that waits; belongs to its caller.
class Patience {
 public:
  explicit Patience(bool may_park) noexcept : may_park_(may_park) {}

  /// To be asked before each wait: how to join the queue.
  std::uint32_t manner() noexcept {
    if (waits_since_ == 0) {
      waits_since_ = monotonic_now();
      return 0;
    }
    const bool lost_long = may_park_ || monotonic_now() - waits_since_ > kNanoseconds;
    return lost_long ? ParkingLot::kWantsHandOver : 0;
  }

 private:
  static constexpr std::int64_t kNanoseconds = 1'000'000;

  const bool may_park_;
  std::int64_t waits_since_ = 0;
};

}  // namespace colibri
