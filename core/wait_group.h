// WaitGroup: waits until a number of things are done, as in Go.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "colibri/core/wait.h"

namespace colibri {

/// Counts what is still to be done. A handle: copies are the same group; capture it by value. Any
/// coroutine of any scheduler and any plain thread.
class WaitGroup {
 public:
  /// Nothing to be done. Throws std::bad_alloc.
  WaitGroup() : state_(std::make_shared<State>()) {}

  /// So many more are to be done. To be called before they begin.
  void add(std::size_t count = 1) const noexcept;
  /// One is done; the last one wakes everybody who waits. Ends the process with a sentence if
  /// nothing was to be done.
  void done() const noexcept;

  /// Waits until nothing is left. Throws Canceled, and std::system_error (timed_out) when an
  /// enclosing TimeLimit is over.
  void wait() const { wait_until(Deadline::never()); }
  /// False when the deadline came first.
  bool wait_until(Deadline deadline) const;
  bool wait_for(std::chrono::nanoseconds duration) const {
    return wait_until(Deadline::after(duration));
  }

 private:
  struct State {
    static void look(BiasedLock& lock, WaitFacts& facts) noexcept;
    static constexpr WaitedThing kThing{"wait group", "", &look};
    ~State();
    BiasedLock lock;            // the first member: see WaitedThing
    WaitQueue waiting{kThing};  // empty while nothing is left
    std::size_t left = 0;
  };
  std::shared_ptr<State> state_;
};

}  // namespace colibri
