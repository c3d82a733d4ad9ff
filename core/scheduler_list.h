// The schedulers of the process, for those who look at all of them: debuggers, which find the list
// in a core file, too, and monitors.
#pragma once

#include <sys/types.h>

#include <atomic>

#include "colibri/core/small_lock.h"
#include "colibri/core/thread_state.h"

namespace colibri {

/// One scheduler's place in the list; part of it. Debuggers read it by debugger_layout.h.
struct SchedulerPlace {
  SchedulerPlace* next = nullptr;
  ThreadState* thread = nullptr;
  // Where the scheduler keeps the first of its coroutines; the others follow by next_alive.
  ControlBlock* const* coroutines = nullptr;
  pid_t thread_id = 0;  // the kernel's
};

/// All of them, the newest first. Changed under `lock` alone, at the start and the end of a
/// scheduler; may be read without it by a debugger, while the process stands still.
struct SchedulerList {
  SmallLock lock;
  SchedulerPlace* first = nullptr;
  /// Called on the thread of each scheduler that has entered; null: nothing is to be done.
  std::atomic<void (*)() noexcept> entered{nullptr};

  /// Enters `place`, which must not be in the list, as one of the calling thread, whose
  /// thread_state is ready.
  void enter(SchedulerPlace& place) noexcept;
  /// Takes it out again.
  void leave(SchedulerPlace& place) noexcept;
  /// In the child of a fork: the thread that made it is the only one left. `place` is its
  /// scheduler's, or null. Nobody else knows of the lock, whoever held it in the parent.
  void keep_in_child(SchedulerPlace* place) noexcept;
};

extern constinit SchedulerList scheduler_list;

}  // namespace colibri
