// Walking along the list of a scheduler's coroutines with pauses. The part of the scheduler that
// nobody enters unless somebody looks inside.
#include "colibri/core/inspection_calls.h"
#include "colibri/core/scheduler.h"

namespace colibri {

constinit InspectionCalls inspection_calls;

void Scheduler::open_cursor(AliveCursor& cursor) noexcept {
  cursor.next = alive_;
  cursor.other = cursors_;
  cursors_ = &cursor;
}

void Scheduler::close_cursor(AliveCursor& cursor) noexcept {
  AliveCursor** link = &cursors_;
  while (*link != nullptr && *link != &cursor) link = &(*link)->other;
  if (*link != nullptr) *link = cursor.other;
}

/// Before the links of `ended`, which has left the list, are used for anything else.
void Scheduler::move_cursors(const ControlBlock& ended) noexcept {
  for (AliveCursor* each = cursors_; each != nullptr; each = each->other) {
    if (each->next == &ended) each->next = ended.next_alive;
  }
}

}  // namespace colibri
