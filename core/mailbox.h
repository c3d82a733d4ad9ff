// The way from other threads to a scheduler.
#pragma once

#include <atomic>
#include <memory>

#include "colibri/core/event_loop.h"
#include "colibri/core/inbox.h"
#include "colibri/core/small_lock.h"

namespace colibri {

/// What other threads hold of a scheduler; outlives it.
struct Mailbox {
  Inbox inbox;
  SmallLock lock;                   // over `loop`, so that it cannot end while it is being woken
  EventLoop* loop = nullptr;        // null once the scheduler has ended
  std::atomic<bool> wanted{false};  // somebody wants it woken, and perhaps could not take the lock
  Mailbox* next_free = nullptr;
  Mailbox* next_made = nullptr;  // of all there ever were

  /// Takes ownership of `message`. Any thread; signal handlers, too. Costs a system call only if
  /// the scheduler sleeps.
  void post(InboxMessage* message) noexcept;

 private:
  void wake_loop() noexcept;
};

/// A mailbox with an open, empty inbox. Its memory is never given back, only used again: whoever
/// posts by a plain pointer may still be about to wake the loop when the scheduler has ended, and
/// then wakes another one for nothing. Any thread. Throws std::bad_alloc.
std::shared_ptr<Mailbox> acquire_mailbox();

/// The one that was made last; all others follow by next_made. Any thread.
Mailbox* newest_mailbox() noexcept;

/// Calls `visit(mailbox)` for all that were ever made, of schedulers that have ended, too. Any
/// thread.
template <class Visit>
void for_each_mailbox(Visit visit) {
  for (Mailbox* each = newest_mailbox(); each != nullptr; each = each->next_made) visit(*each);
}

}  // namespace colibri
