// The schedulers of the process, for those who look at all of them: debuggers, which find the list
// in a core file, too, and monitors.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <memory>
#include <vector>

#include "colibri/core/mailbox.h"
#include "colibri/core/run_queue.h"
#include "colibri/core/small_lock.h"
#include "colibri/core/thread_state.h"

namespace colibri {

/// One scheduler's place in the list; part of it. Debuggers read it by debugger_layout.h.
struct SchedulerPlace {
  SchedulerPlace* next = nullptr;
  ThreadState* thread = nullptr;
  // Where the scheduler keeps the first of its coroutines; the others follow by next_alive.
  ControlBlock* const* coroutines = nullptr;
  pid_t thread_id = 0;      // the kernel's
  clockid_t cpu_clock = 0;  // the thread's
};

/// All of them, the newest first. Changed under `lock` alone, at the start and the end of a
/// scheduler; may be read without it by a debugger, while the process stands still.
struct SchedulerList {
  SmallLock lock;
  SchedulerPlace* first = nullptr;

  /// Enters `place`, which must not be in the list, as one of the calling thread, whose
  /// thread_state is ready; tells the observers.
  void enter(SchedulerPlace& place) noexcept;
  /// Takes it out again; tells the observers if it was the last one.
  void leave(SchedulerPlace& place) noexcept;
  /// In the child of a fork: the thread that made it is the only one left. `place` is its
  /// scheduler's, or null. Nobody else knows of the lock, whoever held it in the parent.
  void keep_in_child(SchedulerPlace* place) noexcept;
};

extern constinit SchedulerList scheduler_list;

/// One scheduler, as other threads may know it. The pointers are valid as long as it is listed.
struct ListedScheduler {
  unsigned number = 0;      // no other of the process has, or had, the same
  pid_t thread = 0;         // the kernel's name of its thread
  clockid_t cpu_clock = 0;  // the thread's
  const RunQueue* run_queue = nullptr;
  std::shared_ptr<Mailbox> mailbox;
  const ThreadState* thread_state = nullptr;
};

/// What is known of the scheduler at `place`, which is in the list; under its lock.
ListedScheduler look_at_listed(const SchedulerPlace& place) noexcept;

/// Calls `visit` with each scheduler of the process, the newest first; none leaves meanwhile. Any
/// thread; not from signal handlers. `visit` neither waits nor makes schedulers.
template <class Visit>
void for_each_scheduler(Visit visit) {
  const SmallLockGuard guard(scheduler_list.lock);
  for (const SchedulerPlace* each = scheduler_list.first; each != nullptr; each = each->next) {
    visit(look_at_listed(*each));
  }
}

/// Those that have begun and not ended, the oldest first; each may end at any time. Any thread, no
/// signal handler. Throws std::bad_alloc.
std::vector<ListedScheduler> all_schedulers();

/// Told of every scheduler that begins, and of the end of the last one; on the scheduler's thread,
/// outside coroutines. For what looks inside, and is not in every program.
struct SchedulerObserver {
  void (*begun)() noexcept = nullptr;      // or null
  void (*all_ended)() noexcept = nullptr;  // or null
  SchedulerObserver* next = nullptr;       // the list's
};

/// From now on `observer` is told, which must live for ever. No effect if it is told already. Any
/// thread; also from constructors of globals.
void observe_schedulers(SchedulerObserver& observer) noexcept;

}  // namespace colibri
