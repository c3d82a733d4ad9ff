// Time in a run with a seed, for those who test.
#pragma once

#include <chrono>

namespace colibri::testing {

/// Moves the clock of the run that the calling coroutine is part of; who has slept until then is
/// woken before the next coroutine runs. Ends the process with a sentence where time is the
/// system's.
void advance(std::chrono::nanoseconds duration) noexcept;

/// Virtual time since the run began. Errors as advance.
std::chrono::nanoseconds elapsed() noexcept;

}  // namespace colibri::testing
