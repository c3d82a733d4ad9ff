#include "colibri/core/scheduler_list.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "colibri/core/scheduler.h"

namespace colibri {

constinit std::atomic<const SchedulerObserver*> scheduler_observer{nullptr};

namespace {

/// What is the thread's own, and changes for the thread that lives on in the child of a fork.
void note_thread(ListedScheduler& scheduler) noexcept {
  scheduler.thread = gettid();
  pthread_getcpuclockid(pthread_self(), &scheduler.cpu_clock);
}

}  // namespace

SchedulerList& SchedulerList::instance() {
  // Leaked: threads with schedulers may outlive the destructors of globals.
  static auto* const list = [] {
    auto* made = new SchedulerList;
    pthread_atfork([] { instance().before_fork(); }, [] { instance().after_fork(); },
                   [] { instance().restart_in_child(); });
    return made;
  }();
  return *list;
}

void SchedulerList::add(ListedScheduler&& scheduler) {
  const SmallLockGuard guard(lock_);
  scheduler.number = ++last_number_;
  all_.push_back(std::move(scheduler));
}

bool SchedulerList::remove(const Scheduler& scheduler) noexcept {
  const SmallLockGuard guard(lock_);
  std::erase_if(all_, [&](const ListedScheduler& each) { return each.scheduler == &scheduler; });
  return all_.empty();
}

void SchedulerList::restart_in_child() noexcept {
  std::erase_if(
      all_, [](const ListedScheduler& each) { return each.scheduler != thread_state.scheduler; });
  for (ListedScheduler& each : all_) note_thread(each);
  lock_.unlock();
}

void enlist_scheduler(Scheduler& scheduler, const RunQueue& run_queue) {
  ListedScheduler listed{.scheduler = &scheduler,
                         .run_queue = &run_queue,
                         .mailbox = scheduler.mailbox(),
                         .thread_state = &thread_state};
  note_thread(listed);
  SchedulerList::instance().add(std::move(listed));
  const SchedulerObserver* observer = scheduler_observer.load(std::memory_order_acquire);
  if (observer != nullptr) observer->begun();
}

void strike_scheduler(const Scheduler& scheduler) noexcept {
  if (!SchedulerList::instance().remove(scheduler)) return;
  const SchedulerObserver* observer = scheduler_observer.load(std::memory_order_acquire);
  if (observer != nullptr) observer->all_ended();
}

}  // namespace colibri
