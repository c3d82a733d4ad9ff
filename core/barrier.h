// Barrier: what std::barrier is, for coroutines and threads alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "colibri/core/wait.h"

namespace colibri {

/// The part of a Barrier that does not depend on its completion.
class BarrierBase {
 public:
  /// Stands for one phase.
  enum class arrival_token : std::uint64_t {};

 protected:
  explicit constexpr BarrierBase(std::ptrdiff_t expected) noexcept
      : expected_(expected), missing_(expected) {}
  ~BarrierBase();
  BarrierBase(const BarrierBase&) = delete;
  BarrierBase& operator=(const BarrierBase&) = delete;

  /// Counts arrivals. `last`: nobody is missing, and begin_phase must follow.
  arrival_token arrive_base(std::ptrdiff_t count, std::ptrdiff_t dropping, bool& last) noexcept;
  void begin_phase() noexcept;
  void wait_base(arrival_token arrival) const;

 private:
  static void look(BiasedLock& lock, WaitFacts& facts) noexcept;
  static constexpr WaitedThing kThing{"barrier", "", &look};

  mutable BiasedLock lock_;  // over all that follows; the first member: see WaitedThing
  mutable WaitQueue waiting_{kThing};
  std::ptrdiff_t expected_;
  std::ptrdiff_t missing_;  // in this phase
  std::uint64_t phase_ = 0;
};

/// The usual completion.
struct NoCompletion {
  void operator()() const noexcept {}
};

/// Brings a number of coroutines or threads to the same point, phase by phase. The last to arrive
/// calls the completion, which must not throw, and then all go on. Any coroutine of any scheduler
/// and any plain thread. Nobody may wait for it when it is destroyed: ends the process with a
/// sentence.
template <class Completion = NoCompletion>
class Barrier : private BarrierBase {
 public:
  using BarrierBase::arrival_token;

  /// For `expected` arrivals a phase; `completion()` is called at the end of each.
  explicit Barrier(std::ptrdiff_t expected, Completion completion = Completion())
      : BarrierBase(expected), completion_(std::move(completion)) {}

  /// Arrives without waiting. Ends the process with a sentence if more arrive than are expected.
  arrival_token arrive(std::ptrdiff_t count = 1) { return arrive(count, 0); }
  /// Waits for the end of the phase in which the arrival was. Throws Canceled, and
  /// std::system_error (timed_out) when an enclosing TimeLimit is over; the arrival then counts all
  /// the same.
  void wait(arrival_token arrival) const { wait_base(arrival); }
  void arrive_and_wait() { wait(arrive()); }
  /// Arrives, and is not expected in later phases.
  void arrive_and_drop() { static_cast<void>(arrive(1, 1)); }

 private:
  arrival_token arrive(std::ptrdiff_t count, std::ptrdiff_t dropping) {
    bool last = false;
    const arrival_token arrival = arrive_base(count, dropping, last);
    if (last) {
      completion_();
      begin_phase();
    }
    return arrival;
  }

  Completion completion_;
};

}  // namespace colibri
