#include "colibri/core/scheduler_list.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <new>

#include "colibri/core/scheduler.h"

namespace colibri {

constinit SchedulerList scheduler_list;

namespace {

/// The first of a chain that only grows.
constinit std::atomic<SchedulerObserver*> observers{nullptr};

/// What is the thread's own, and changes for the thread that lives on in the child of a fork.
void note_thread(SchedulerPlace& place) noexcept {
  place.thread_id = gettid();
  pthread_getcpuclockid(pthread_self(), &place.cpu_clock);
}

void tell(void (*SchedulerObserver::*what)() noexcept) noexcept {
  SchedulerObserver* each = observers.load(std::memory_order_acquire);
  for (; each != nullptr; each = each->next) {
    if (each->*what != nullptr) (each->*what)();
  }
}

}  // namespace

void SchedulerList::enter(SchedulerPlace& place) noexcept {
  place.thread = &thread_state;
  note_thread(place);
  {
    const SmallLockGuard guard(lock);
    place.next = first;
    first = &place;
  }
  tell(&SchedulerObserver::begun);
}

void SchedulerList::leave(SchedulerPlace& place) noexcept {
  bool was_last = false;
  {
    const SmallLockGuard guard(lock);
    SchedulerPlace** link = &first;
    // In a child whose list was emptied it is not there.
    while (*link != nullptr && *link != &place) link = &(*link)->next;
    if (*link != nullptr) {
      *link = place.next;
      was_last = first == nullptr;
    }
  }
  if (was_last) tell(&SchedulerObserver::all_ended);
}

void SchedulerList::keep_in_child(SchedulerPlace* place) noexcept {
  ::new (&lock) SmallLock;
  first = place;
  if (place == nullptr) return;
  place->next = nullptr;
  note_thread(*place);
}

ListedScheduler look_at_listed(const SchedulerPlace& place) noexcept {
  const Scheduler& scheduler = *place.thread->scheduler;
  return {scheduler.number(),      place.thread_id,     place.cpu_clock,
          place.thread->run_queue, scheduler.mailbox(), place.thread};
}

std::vector<ListedScheduler> all_schedulers() {
  std::vector<ListedScheduler> all;
  for_each_scheduler([&](ListedScheduler&& each) { all.push_back(std::move(each)); });
  std::reverse(all.begin(), all.end());
  return all;
}

void observe_schedulers(SchedulerObserver& observer) noexcept {
  static constinit SmallLock lock;
  const SmallLockGuard guard(lock);
  for (const SchedulerObserver* each = observers.load(); each != nullptr; each = each->next) {
    if (each == &observer) return;
  }
  observer.next = observers.load();
  observers.store(&observer, std::memory_order_release);
}

}  // namespace colibri
