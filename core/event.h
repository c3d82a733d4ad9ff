// Event: something that has happened, or has not.
#pragma once

#include <chrono>
#include <memory>

#include "colibri/core/wait.h"

namespace colibri {

/// A flag that can be waited for. A handle: copies are the same event; capture it by value. Any
/// coroutine of any scheduler and any plain thread.
class Event {
 public:
  /// Not set. Throws std::bad_alloc.
  Event() : state_(std::make_shared<State>()) {}

  /// Sets the flag, for good or until reset, and wakes everybody who waits.
  void set() const noexcept;
  void reset() const noexcept;
  bool is_set() const noexcept;

  /// Waits until the flag is set. Throws Canceled, and std::system_error (timed_out) when an
  /// enclosing TimeLimit is over.
  void wait() const { wait_until(Deadline::never()); }
  /// False when the deadline came first.
  bool wait_until(Deadline deadline) const;
  bool wait_for(std::chrono::nanoseconds duration) const {
    return wait_until(Deadline::after(duration));
  }
  /// The same, ended neither by cancel nor by a TimeLimit.
  void wait_regardless() const noexcept;

 private:
  struct State {
    static constexpr WaitedThing kThing{"event"};
    ~State();
    BiasedLock lock;
    WaitQueue waiting{kThing};  // empty while it is set
    bool is_set = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace colibri
