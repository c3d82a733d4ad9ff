// Waking a coroutine from anywhere: the bridge from plain threads.
#pragma once

#include <memory>

#include "colibri/core/deadline.h"

namespace colibri {

struct ParkerState;

/// Wakes the coroutine of one Parker. A copyable handle, valid for ever.
class Unparker {
 public:
  /// Gives the permit. Any thread, any coroutine, not signal handlers (it may allocate). Costs no
  /// system call while the coroutine's scheduler is awake. No effect once the Parker is gone.
  void unpark() const noexcept;

 private:
  friend class Parker;
  explicit Unparker(std::shared_ptr<ParkerState> state) : state_(std::move(state)) {}
  std::shared_ptr<ParkerState> state_;
};

/// A permit that the current coroutine waits for. Permits do not add up; one given before park()
/// is not lost. To be used and destroyed by the coroutine that made it.
class Parker {
 public:
  /// Coroutines only.
  Parker();
  ~Parker();
  Parker(const Parker&) = delete;
  Parker& operator=(const Parker&) = delete;

  /// What gives the permit: for other coroutines and threads, to copy.
  Unparker unparker() const { return Unparker(state_); }

  /// Waits for the permit and takes it. Throws Canceled, or std::system_error (timed_out) when an
  /// enclosing TimeLimit is over.
  void park();
  /// The same, at most until `deadline`: false if it came first.
  bool park_until(Deadline deadline);

 private:
  std::shared_ptr<ParkerState> state_;
};

}  // namespace colibri
