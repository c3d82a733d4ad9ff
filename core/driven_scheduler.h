// A scheduler that somebody else's event loop drives: libuv, Asio, Qt, or a loop of the program's.
#pragma once

#include <chrono>
#include <cstdint>

#include "colibri/core/run.h"

namespace colibri {

/// The calling thread's scheduler, without a loop of its own: for threads that another event loop
/// owns already. That loop watches descriptor() for reading and answers with poll_once().
///
/// go, spawn and SchedulerHandle work as within run; coroutines run inside poll_once alone. There
/// is no main's coroutine that signal handlers would interrupt. All methods belong to the thread
/// that made it, outside coroutines.
class DrivenScheduler {
 public:
  /// Of the options, `stacks` and `grace` count. Ends the process with a sentence if the thread has
  /// a scheduler; throws std::system_error when the system gives no descriptors or memory.
  explicit DrivenScheduler(const RunOptions& options = {});
  /// Cancels every coroutine, and runs them to their end, as at the end of run; who takes longer
  /// than the grace is logged and abandoned.
  ~DrivenScheduler();
  DrivenScheduler(const DrivenScheduler&) = delete;
  DrivenScheduler& operator=(const DrivenScheduler&) = delete;

  /// An epoll descriptor. Readable, level-triggered, when poll_once has something to do: events,
  /// timers, other threads' messages, coroutines that had no turn yet. Close-on-exec, and the
  /// scheduler's: do not close it. In the child of a fork it is to be asked for anew, which throws
  /// std::system_error when the child has no descriptor for it.
  ///
  /// What the thread itself does between two polls does not show: call poll_once after code outside
  /// coroutines has started some or sent them something.
  int descriptor();

  /// Runs what is ready, for one round, and returns without waiting for anything.
  void poll_once() noexcept;

  /// Coroutines that have not ended.
  std::size_t alive() const noexcept { return scheduler_.alive(); }

 private:
  Scheduler scheduler_;
  std::chrono::nanoseconds grace_;
  // A duplicate, since loops examine and change what they watch, which is denied to them for our
  // own descriptors.
  int descriptor_ = -1;
  std::uint32_t generation_ = 0;  // of the event loop that it belongs to
};

}  // namespace colibri
