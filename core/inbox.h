// Messages from other threads to a scheduler: a lock-free stack that the owner takes whole.
#pragma once

#include <atomic>

namespace colibri {

/// What another thread wants done on the scheduler's thread. Heap-allocated by the sender, unless
/// it disposes of itself in another way.
struct InboxMessage {
  InboxMessage* next = nullptr;
  virtual ~InboxMessage() = default;
  /// Runs on the scheduler's thread, outside any coroutine.
  virtual void deliver() noexcept = 0;
  /// Called after deliver, or instead of it when the scheduler has ended.
  virtual void dispose() noexcept { delete this; }
};

/// Many senders, one receiver. States of the head: null (receiver awake, nothing there), a list of
/// messages, "asleep" (the receiver sleeps or is about to, and wants to be woken by the first
/// message), "closed" (the scheduler has ended; messages are dropped).
class Inbox {
 public:
  ~Inbox() { discard(head_.load()); }

  /// Any thread. Takes ownership. True if the receiver must be woken, which then falls to the
  /// caller: exactly one sender gets this answer a sleep.
  bool push(InboxMessage* message) noexcept {
    InboxMessage* head = head_.load(std::memory_order_acquire);
    do {
      if (head == closed()) {
        message->dispose();
        return false;
      }
      message->next = head == asleep() ? nullptr : head;
    } while (!head_.compare_exchange_weak(head, message, std::memory_order_acq_rel));
    return head == asleep();
  }

  /// The receiver: delivers what is there, oldest first. True if there was anything.
  bool deliver_all() noexcept {
    InboxMessage* head = head_.load(std::memory_order_relaxed);
    if (head == nullptr) return false;
    head = head_.exchange(nullptr, std::memory_order_acq_rel);
    if (head == asleep() || head == nullptr) return false;
    InboxMessage* oldest = nullptr;
    while (head != nullptr) {
      InboxMessage* next = head->next;
      head->next = oldest;
      oldest = head;
      head = next;
    }
    while (oldest != nullptr) {
      InboxMessage* next = oldest->next;
      oldest->deliver();
      oldest->dispose();
      oldest = next;
    }
    return true;
  }

  /// The receiver, awake: true if deliver_all would find any.
  bool has_messages() const noexcept { return head_.load(std::memory_order_relaxed) != nullptr; }

  /// The receiver, before it sleeps. False if a message is there: do not sleep. After the sleep,
  /// deliver_all takes the mark away.
  bool prepare_sleep() noexcept {
    InboxMessage* expected = nullptr;
    return head_.compare_exchange_strong(expected, asleep(), std::memory_order_acq_rel) ||
           expected == asleep();
  }

  /// Any thread: true if the receiver sleeps, or is about to.
  bool is_asleep() const noexcept {
    return head_.load(std::memory_order_relaxed) == const_cast<Inbox*>(this)->asleep();
  }

  /// The receiver, at its end: later messages are dropped.
  void close() noexcept { discard(head_.exchange(closed(), std::memory_order_acq_rel)); }

  /// Another receiver takes over a closed inbox.
  void reopen() noexcept { head_.store(nullptr, std::memory_order_release); }

 private:
  InboxMessage* asleep() noexcept { return reinterpret_cast<InboxMessage*>(&asleep_mark_); }
  InboxMessage* closed() noexcept { return reinterpret_cast<InboxMessage*>(&closed_mark_); }

  void discard(InboxMessage* head) noexcept {
    while (head != nullptr && head != asleep() && head != closed()) {
      InboxMessage* next = head->next;
      head->dispose();
      head = next;
    }
  }

  std::atomic<InboxMessage*> head_{nullptr};
  void* asleep_mark_ = nullptr;  // only their addresses count
  void* closed_mark_ = nullptr;
};

}  // namespace colibri
