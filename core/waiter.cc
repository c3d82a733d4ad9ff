#include "colibri/core/waiter.h"

#include <pthread.h>

#include <cerrno>
#include <cstddef>
#include <ctime>
#include <new>

#include "colibri/core/check.h"
#include "colibri/core/wait.h"

namespace colibri {
namespace {

using Syscall = long (*)(long, ...);

/// One sleep of the thread, until a point of the monotonic clock (null: never) at the latest.
void sleep_on_futex(Syscall call, const void* word, std::uint32_t value, const timespec* until) {
  // The kind with a bitset takes a point in time.
  call(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

/// The same, ended by pthread_cancel, and at any instruction: unwinding must find nothing to do in
/// here, or it would look for a call at that instruction, and end the process.
[[gnu::noinline]] void sleep_cancelably(Syscall call, const void* word, std::uint32_t value,
                                        const timespec* until) {
  int type = PTHREAD_CANCEL_DEFERRED;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  call(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until, nullptr, FUTEX_BITSET_MATCH_ANY);
  pthread_setcanceltype(type, nullptr);
}

void wake_sleeper(const void* word) noexcept {
  const int saved_errno = errno;
  real::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved_errno;
}

}  // namespace

/// The waiter of each thread, as mere bytes: a thread_local object that has a destructor asks
/// malloc for memory, and an allocator may be who waits. The initial-exec model, since others ask
/// malloc, too. With external linkage: of local variables in that model gold loses the places in a
/// shared library, and all of them are what lies first.
alignas(Waiter) extern constinit thread_local std::byte thread_waiter_memory[sizeof(Waiter)]
    __attribute__((tls_model("initial-exec")));
alignas(Waiter) constinit thread_local std::byte thread_waiter_memory[sizeof(Waiter)]
    __attribute__((tls_model("initial-exec"))) = {};

Waiter& Waiter::begin_as_thread() noexcept {
  std::byte* const memory = thread_waiter_memory;
  check(!reinterpret_cast<const Waiter*>(memory)->place.queued,
        "a thread that waits for a lock began another wait: signal handlers must not take locks");
  Waiter& waiter = *::new (memory) Waiter;
  waiter.place.waiter = &waiter;
  waiter.word_.store(kAwake, std::memory_order_relaxed);
  return waiter;
}

/// Without memory for them, others may run and free some: this wait must not fail.
CoroutineExtras* Waiter::wait_for_extras() noexcept {
  CoroutineExtras* extras = nullptr;
  while ((extras = extras_of(*thread_state.current)) == nullptr) {
    thread_state.scheduler->yield_to_loop();
  }
  return extras;
}

void Waiter::join_scheduler() noexcept {
  thread_ = &thread_state;
  coroutine_ = thread_state.current;
  mailbox_ = thread_state.scheduler->mailbox().get();
  place.waiter = this;
}

template <class Sleep>
WakeReason Waiter::wait_as_thread(const WaitTerms& terms, Sleep sleep) {
  std::uint32_t word = kAwake;
  word_.compare_exchange_strong(word, kAsleep, std::memory_order_acquire);
  timespec until{};
  until.tv_sec = terms.deadline.nanoseconds() / 1'000'000'000;
  until.tv_nsec = terms.deadline.nanoseconds() % 1'000'000'000;
  const Syscall call = real::syscall.get();
  const int saved_errno = errno;
  while ((word = word_.load(std::memory_order_acquire)) != kWoken) {
    if (terms.deadline.has_passed()) return WakeReason::kTimeout;
    errno = 0;
    sleep(call, &word_, kAsleep, terms.deadline.is_never() ? nullptr : &until);
    const bool interrupted = errno == EINTR;
    errno = saved_errno;
    // The handler itself may have brought what is waited for.
    if (interrupted && terms.interruptible) {
      return word_.load(std::memory_order_acquire) == kWoken ? WakeReason::kFired
                                                             : WakeReason::kInterrupted;
    }
  }
  return WakeReason::kFired;
}

WakeReason Waiter::wait(const WaitTerms& terms) noexcept {
  if (coroutine_ == nullptr) [[unlikely]]
    return wait_as_thread(terms, &sleep_on_futex);
  WakeReason reason = WakeReason::kFired;
  while (reason == WakeReason::kFired && word_.load(std::memory_order_relaxed) != kWoken) {
    reason = thread_state.scheduler->park({.deadline = terms.deadline,
                                           .kind = WaitKind::kQueue,
                                           .may_fail = terms.may_fail,
                                           .interruptible = terms.interruptible,
                                           .never_restarts = terms.never_restarts});
  }
  return word_.load(std::memory_order_relaxed) == kWoken ? WakeReason::kFired : reason;
}

WakeReason Waiter::wait_cancelable(const WaitTerms& terms) {
  // A coroutine's stack is not for the thread to unwind.
  if (coroutine_ != nullptr || thread_state.current != nullptr) return wait(terms);
  pthread_testcancel();  // also if the deadline has passed already
  return wait_as_thread(terms, &sleep_cancelably);
}

void Waiter::wake_from_elsewhere() noexcept {
  if (mailbox_ != nullptr) {
    const Scheduler* scheduler = thread_state.scheduler;
    if (scheduler == nullptr || scheduler->mailbox().get() != mailbox_) return mailbox_->post(this);
    deliver();
    dispose();
    return;
  }
  // The thread may go, and this waiter with it, as soon as the word says so.
  const void* word = &word_;
  if (word_.exchange(kWoken, std::memory_order_acq_rel) == kAsleep) wake_sleeper(word);
}

void Waiter::wake_from_anywhere() noexcept {
  const ControlBlock* current = thread_state.current;
  // A handler may have interrupted the scheduler, whose queues are not for it to touch: the
  // scheduler then gets a message, also from its own thread.
  const bool may_be_handler =
      current == nullptr || (current->bypass_depth & ControlBlock::kInHandler) != 0;
  if (mailbox_ != nullptr && (may_be_handler || thread_ != &thread_state)) {
    return mailbox_->post(this);
  }
  wake();
}

void Waiter::leave_queues(bool in_child) noexcept {
  for (WaitPlace* each = stands_at_; each != nullptr; each = each->sibling) {
    // Claimed, it is in no queue any more, and what the queue was part of may be gone.
    if (!each->queued.load(std::memory_order_acquire)) continue;
    bool biased = false;
    if (!in_child) {
      biased = each->lock->lock();
    } else if (!each->lock->try_lock_in_child(biased)) {
      continue;
    }
    if (each->queued) each->queue->remove(*each);
    each->lock->unlock(biased);
  }
  stands_at_ = nullptr;
}

WakeReason wait_at(WaitPlace& place, WaitQueue& queue, BiasedLock& lock, BiasedGuard& guard,
                   const WaitTerms& terms) noexcept {
  place.waiter->join(place, queue, lock);
  guard.release();
  return wait_queued(place, queue, lock, guard, terms);
}

WakeReason wait_queued(WaitPlace& place, WaitQueue& queue, BiasedLock& lock, BiasedGuard& guard,
                       const WaitTerms& terms) noexcept {
  Waiter& waiter = *place.waiter;
  const WakeReason reason = waiter.wait(terms);
  waiter.forget_places();
  if (reason == WakeReason::kFired) [[likely]]
    return reason;
  guard.take(lock);
  if (place.queued) {
    queue.remove(place);
    return reason;
  }
  guard.release();
  waiter.await_wake();
  return WakeReason::kFired;
}

bool leave(WaitPlace& place, WaitQueue& queue, BiasedLock& lock) noexcept {
  {
    const BiasedGuard guard(lock);
    if (place.queued) {
      queue.remove(place);
      return true;
    }
  }
  place.waiter->await_wake();
  return false;
}

WakeReason wait_in(WaitQueue& queue, BiasedLock& lock, BiasedGuard& guard, const WaitTerms& terms,
                   std::uintptr_t note) noexcept {
  WaitPlace& place = Waiter::begin().place;
  place.note = note;
  return wait_at(place, queue, lock, guard, terms);
}

bool came_in_time(WakeReason reason, const char* what) {
  if (reason == WakeReason::kTimeout) return false;
  throw_if_failed(reason, what);
  return true;
}

WaitPlace* WaitQueue::claim_all() noexcept {
  WaitPlace* claimed = nullptr;
  WaitPlace** end = &claimed;
  while (WaitPlace* place = claim_first()) {
    *end = place;
    end = &place->next;
  }
  *end = nullptr;
  return claimed;
}

void wake_all(WaitPlace* claimed) noexcept {
  while (claimed != nullptr) {
    // Read before the wake, after which the place may be anywhere.
    WaitPlace* next = claimed->next;
    claimed->waiter->wake();
    claimed = next;
  }
}

}  // namespace colibri
