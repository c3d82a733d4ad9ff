// Runs a test's body as colibri's main, and checks that nothing was left behind.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "colibri/core/run.h"
#include "colibri/core/unwinder.h"
#include "test/support/leak_check.h"

namespace colibri::test {

/// Calls `body` inside colibri::run, then expects that stacks and descriptors are back to what
/// they were. Exceptions that leave `body` leave this, too.
inline void run_in_scheduler(const std::function<void()>& body, const RunOptions& options = {}) {
  const LeakCheck leaks;
  run(body, options);
}

/// The same where `abandoned` coroutines are known to outlive the run: their stacks are lost.
inline void run_and_abandon(std::size_t abandoned, const std::function<void()>& body,
                            std::chrono::nanoseconds grace = std::chrono::milliseconds(20)) {
  // Who is abandoned is logged with its stack. Emulators let the unwinder keep a pipe for that.
  prepare_unwinder();
  const LeakCheck leaks(abandoned);
  run(body, RunOptions{.grace = grace});
}

}  // namespace colibri::test
