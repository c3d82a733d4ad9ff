// What signal handlers do to waits: the part of the scheduler that passes EINTR on, and that sleeps
// under the masks of calls such as ppoll.
#include <pthread.h>

#include "colibri/core/scheduler.h"
#include "colibri/core/unpark.h"

namespace colibri {

void Scheduler::interrupt(int signal, bool restarts) noexcept {
  const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
  (restarts ? restarting_interruptions_ : interruptions_).fetch_or(bit, std::memory_order_relaxed);
  event_loop_.wake();
}

bool Scheduler::acts_for_main(const ControlBlock& coroutine) const noexcept {
  const ControlBlock* root = &coroutine;
  while (root->resumer_or_null() != nullptr) root = root->resumer;
  return root == main_;
}

/// False if `coroutine` waits under a mask of its own that keeps all of `signals` away.
bool Scheduler::lets_in(const ControlBlock& coroutine, std::uint64_t signals) const noexcept {
  const MaskedWait* wait = masked_waits_;
  while (wait != nullptr && wait->coroutine != &coroutine) wait = wait->next;
  if (wait == nullptr) return true;
  for (int signal = 1; signals != 0; ++signal, signals >>= 1) {
    if ((signals & 1) != 0 && sigismember(&wait->mask, signal) == 0) return true;
  }
  return false;
}

void Scheduler::handle_interrupt() noexcept {
  const std::uint64_t signals = interruptions_.exchange(0);
  const std::uint64_t restarting = restarting_interruptions_.exchange(0);
  interrupt_main(signals, restarting);
  for (MaskedWait* each = masked_waits_; each != nullptr; each = each->next) {
    if (each->for_handler && lets_in(*each->coroutine, signals | restarting)) {
      unpark(*each->coroutine, WakeReason::kInterrupted);
    }
  }
}

void Scheduler::interrupt_main(std::uint64_t signals, std::uint64_t restarting) noexcept {
  if (main_ == nullptr || main_ended_) return;
  ControlBlock& leaf = leaf_of(*main_);
  const bool waits = leaf.state == CoroutineState::kParked && leaf.wait_interruptible;
  // What a call keeps away would interrupt nothing when the call is over.
  if (waits && !lets_in(leaf, signals | restarting)) return;
  if (waits && (signals != 0 || leaf.wait_never_restarts)) {
    unpark(leaf, WakeReason::kInterrupted);
  } else if (signals != 0) {
    main_->attention |= ControlBlock::kInterrupted;
  }
}

bool Scheduler::heard_of_handler() const noexcept {
  return interruptions_.load(std::memory_order_relaxed) != 0 ||
         restarting_interruptions_.load(std::memory_order_relaxed) != 0;
}

void Scheduler::forget_interrupt() noexcept {
  if (!acts_for_main(*thread_state.current)) return;
  interruptions_.store(0);
  restarting_interruptions_.store(0);
  main_->attention &= static_cast<std::uint8_t>(~ControlBlock::kInterrupted);
}

void Scheduler::begin_masked_wait(MaskedWait& wait) noexcept {
  wait.next = masked_waits_;
  masked_waits_ = &wait;
}

void Scheduler::end_masked_wait(MaskedWait& wait) noexcept {
  MaskedWait** link = &masked_waits_;
  while (*link != &wait) link = &(*link)->next;
  *link = wait.next;
}

/// What all coroutines that wait under masks of their own block; false if there are none.
bool Scheduler::common_mask(sigset_t& mask) const noexcept {
  bool any = false;
  sigfillset(&mask);
  for (const MaskedWait* each = masked_waits_; each != nullptr; each = each->next) {
    if (each->coroutine->state != CoroutineState::kParked) continue;
    sigandset(&mask, &mask, &each->mask);
    any = true;
  }
  return any;
}

void Scheduler::wait_for_events(std::int64_t timeout) noexcept {
  sigset_t mask;
  if (masked_waits_ == nullptr || !common_mask(mask)) [[likely]] {
    event_loop_.wait(timeout);
    return;
  }
  // A handler that runs between two of these calls wakes the loop, so that it does not go to sleep.
  const bool heard_before = heard_of_handler();
  sigset_t own_mask;
  pthread_sigmask(SIG_SETMASK, &mask, &own_mask);
  event_loop_.wait(timeout);
  const std::uint64_t signals =
      interruptions_.load(std::memory_order_relaxed) | restarting_interruptions_.load();
  pthread_sigmask(SIG_SETMASK, &own_mask, nullptr);
  if (heard_before || signals == 0) return;
  handle_interrupt();
  for (MaskedWait* each = masked_waits_; each != nullptr; each = each->next) {
    if (lets_in(*each->coroutine, signals)) unpark(*each->coroutine, WakeReason::kInterrupted);
  }
}

}  // namespace colibri
