// Pauses between tries, for waits whose end no event tells.
#pragma once

#include <algorithm>
#include <chrono>

#include "colibri/core/deadline.h"

namespace colibri {

/// Each pause is twice as long as the one before, up to the longest. A value; any thread.
class GrowingPause {
 public:
  constexpr GrowingPause(std::chrono::milliseconds first,
                         std::chrono::milliseconds longest) noexcept
      : next_(first), longest_(longest) {}

  /// Begins the next pause: its end.
  Deadline begin() noexcept {
    const Deadline end = Deadline::after(next_);
    next_ = std::min(2 * next_, longest_);
    return end;
  }

 private:
  std::chrono::milliseconds next_;
  std::chrono::milliseconds longest_;
};

}  // namespace colibri
