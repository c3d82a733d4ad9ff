// Latch: what std::latch is, for coroutines and threads alike.
#pragma once

#include <cstddef>

#include "colibri/core/wait.h"

namespace colibri {

/// A counter that goes down to zero, once. Any coroutine of any scheduler and any plain thread.
class Latch {
 public:
  /// Expects so many.
  explicit constexpr Latch(std::ptrdiff_t expected) noexcept : expected_(expected) {}
  /// Nobody may wait for it: ends the process with a sentence.
  ~Latch();
  Latch(const Latch&) = delete;
  Latch& operator=(const Latch&) = delete;

  /// Ends the process with a sentence if fewer than `count` were expected.
  void count_down(std::ptrdiff_t count = 1) noexcept;
  /// True once nobody is expected any more.
  bool try_wait() const noexcept;
  /// Waits until nobody is expected any more. Throws Canceled, and std::system_error (timed_out)
  /// when an enclosing TimeLimit is over.
  void wait() const;
  void arrive_and_wait(std::ptrdiff_t count = 1) {
    count_down(count);
    wait();
  }

 private:
  static void look(BiasedLock& lock, WaitFacts& facts) noexcept;
  static constexpr WaitedThing kThing{"latch", "", &look};

  mutable BiasedLock lock_;            // over all that follows; the first member: see WaitedThing
  mutable WaitQueue waiting_{kThing};  // empty once nobody is expected
  std::ptrdiff_t expected_;
};

}  // namespace colibri
