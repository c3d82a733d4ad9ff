#include "colibri/core/mailbox.h"

#include <utility>

namespace colibri {
namespace {

constinit SmallLock pool_lock;
constinit Mailbox* free_mailboxes = nullptr;
constinit std::atomic<Mailbox*> all_mailboxes{nullptr};

void release(Mailbox* mailbox) noexcept {
  const SmallLockGuard guard(pool_lock);
  mailbox->next_free = free_mailboxes;
  free_mailboxes = mailbox;
}

Mailbox* take_free() noexcept {
  const SmallLockGuard guard(pool_lock);
  Mailbox* mailbox = free_mailboxes;
  if (mailbox != nullptr) free_mailboxes = std::exchange(mailbox->next_free, nullptr);
  return mailbox;
}

Mailbox* make() {
  auto* mailbox = new Mailbox;
  const SmallLockGuard guard(pool_lock);
  mailbox->next_made = all_mailboxes.load(std::memory_order_relaxed);
  all_mailboxes.store(mailbox, std::memory_order_release);
  return mailbox;
}

}  // namespace

void Mailbox::post(InboxMessage* message) noexcept {
  if (inbox.push(message)) wake_loop();
}

void Mailbox::wake_loop() noexcept {
  // A signal handler cannot wait for the lock: the code that it interrupted may hold it. Whoever
  // holds it looks for such wishes after he has let go of it.
  wanted.store(true);
  while (wanted.load() && lock.try_lock()) {
    wanted.store(false);
    if (loop != nullptr) loop->wake();
    lock.unlock();
  }
}

std::shared_ptr<Mailbox> acquire_mailbox() {
  Mailbox* mailbox = take_free();
  if (mailbox == nullptr) mailbox = make();
  std::shared_ptr<Mailbox> handle(mailbox, &release);
  mailbox->inbox.reopen();
  return handle;
}

Mailbox* newest_mailbox() noexcept {
  return all_mailboxes.load(std::memory_order_acquire);
}

}  // namespace colibri
