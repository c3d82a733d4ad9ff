// The order in which threads that are coroutines run, where a seed decides it: to try a program in
// orders that are rare otherwise, and to have one again. Time is the system's.
#pragma once

#include <cstdint>

#include "colibri/core/conductor.h"
#include "colibri/core/testing/random.h"

namespace colibri {

/// For a scheduler that has not run yet. The same seed makes the same order, as long as what comes
/// from outside comes in the same.
class SeededOrder final : public Conductor {
 public:
  explicit SeededOrder(std::uint64_t seed) noexcept;

  std::size_t choose(std::size_t ready) noexcept override;
  std::uint32_t calls_in_slice() noexcept override;
  bool looks_outside() noexcept override;
  std::int64_t when_idle(const IdleMoment& moment) noexcept override;
  bool gives_up() const noexcept override { return false; }

 private:
  testing::Random random_;
  const std::uint32_t longest_slice_;  // in calls; the seed's, since some bugs want few switches
};

}  // namespace colibri
