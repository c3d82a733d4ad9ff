// The schedulers of the process, for those who look at them from outside.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <memory>
#include <vector>

#include "colibri/core/mailbox.h"
#include "colibri/core/run_queue.h"
#include "colibri/core/thread_state.h"

namespace colibri {

class Scheduler;

/// One scheduler, as its thread's begin found it. The pointers are valid as long as it is listed.
struct ListedScheduler {
  const Scheduler* scheduler = nullptr;
  std::uint64_t number = 0;  // no other of the process has, or had, the same
  pid_t thread = 0;
  clockid_t cpu_clock = 0;  // the thread's
  const RunQueue* run_queue = nullptr;
  std::shared_ptr<const Mailbox> mailbox;
  const ThreadState* thread_state = nullptr;
};

/// For Scheduler's constructor and destructor, on its thread. The first throws std::bad_alloc.
void enlist_scheduler(Scheduler& scheduler, const RunQueue& run_queue);
void strike_scheduler(const Scheduler& scheduler) noexcept;

/// Calls `visit` with each scheduler of the process, which none leaves meanwhile. Any thread; not
/// from signal handlers. `visit` neither waits nor makes schedulers.
template <class Visit>
void for_each_scheduler(Visit visit);

/// Told of every scheduler that begins, and of the end of the last one; on the scheduler's thread,
/// outside coroutines. The functions do not throw.
struct SchedulerObserver {
  void (*begun)() = nullptr;
  void (*all_ended)() = nullptr;
};

/// Null: nobody wants to know. Set before the first scheduler begins, or later; any thread.
extern constinit std::atomic<const SchedulerObserver*> scheduler_observer;

/// What for_each_scheduler walks through, under its lock.
class SchedulerList {
 public:
  static SchedulerList& instance();

  void add(ListedScheduler&& scheduler);
  /// True if it was the last.
  bool remove(const Scheduler& scheduler) noexcept;
  template <class Visit>
  void for_each(Visit visit) {
    const SmallLockGuard guard(lock_);
    for (const ListedScheduler& each : all_) visit(each);
  }

  /// Around a fork: the child keeps the scheduler of the thread that made it.
  void before_fork() noexcept { lock_.lock(); }
  void after_fork() noexcept { lock_.unlock(); }
  void restart_in_child() noexcept;

 private:
  SmallLock lock_;
  std::vector<ListedScheduler> all_;
  std::uint64_t last_number_ = 0;
};

template <class Visit>
void for_each_scheduler(Visit visit) {
  SchedulerList::instance().for_each(visit);
}

}  // namespace colibri
