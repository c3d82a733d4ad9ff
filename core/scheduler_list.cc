#include "colibri/core/scheduler_list.h"

#include <unistd.h>

#include <new>

namespace colibri {

constinit SchedulerList scheduler_list;

void SchedulerList::enter(SchedulerPlace& place) noexcept {
  place.thread = &thread_state;
  place.thread_id = gettid();
  {
    const SmallLockGuard guard(lock);
    place.next = first;
    first = &place;
  }
  const auto call = entered.load(std::memory_order_acquire);
  if (call != nullptr) call();
}

void SchedulerList::leave(SchedulerPlace& place) noexcept {
  const SmallLockGuard guard(lock);
  SchedulerPlace** link = &first;
  // In a child whose list was emptied it is not there.
  while (*link != nullptr && *link != &place) link = &(*link)->next;
  if (*link != nullptr) *link = place.next;
}

void SchedulerList::keep_in_child(SchedulerPlace* place) noexcept {
  ::new (&lock) SmallLock;
  first = place;
  if (place == nullptr) return;
  place->next = nullptr;
  place->thread_id = gettid();
}

}  // namespace colibri
