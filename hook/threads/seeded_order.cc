#include "colibri/hook/threads/seeded_order.h"

#include <algorithm>

#include "colibri/core/clock.h"
#include "colibri/core/timer_queue.h"

namespace colibri {
namespace {

/// How often somebody is looked for outside: once in so many slices, on average.
constexpr std::uint32_t kSlicesPerLook = 4;

}  // namespace

SeededOrder::SeededOrder(std::uint64_t seed) noexcept
    : random_(seed), longest_slice_(2U << random_.below(4)) {}

std::size_t SeededOrder::choose(std::size_t ready) noexcept {
  return random_.below(ready);
}

std::uint32_t SeededOrder::calls_in_slice() noexcept {
  return 1 + random_.below(longest_slice_);
}

bool SeededOrder::looks_outside() noexcept {
  return random_.below(kSlicesPerLook) == 0;
}

std::int64_t SeededOrder::when_idle(const IdleMoment& moment) noexcept {
  if (moment.next_timer == TimerQueue::kNever) return -1;
  return std::max<std::int64_t>(moment.next_timer - monotonic_now(), 0);
}

}  // namespace colibri
