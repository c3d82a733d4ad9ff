// How a run with a seed deals with time, and when it is taken for lost.
#pragma once

#include <chrono>
#include <cstdint>

#include "colibri/core/run.h"

namespace colibri::testing {

struct SeedOptions {
  /// Time stands still while anybody can run, and then goes on to the next timer at once.
  bool virtual_time = true;
  /// Virtual time that each slice of a coroutine takes: for code that looks at the clock in a loop.
  std::chrono::nanoseconds slice_time{0};
  /// Slices of coroutines in one run; after that many, it is taken for endless.
  std::uint64_t most_slices = 5'000'000;
  /// Real time that the world outside gets, where somebody waits for a descriptor, before virtual
  /// time goes on.
  std::chrono::nanoseconds patience = std::chrono::milliseconds(1);
  /// The same while a helper thread is at work, and where there is no timer to go on to.
  std::chrono::nanoseconds stuck_after = std::chrono::seconds(5);
  /// Everything else as in colibri::run.
  RunOptions run{};
};

}  // namespace colibri::testing
