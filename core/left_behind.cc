// Coroutines that will never run again: those that ignore their cancellation, and those that a fork
// leaves in the parent.
#include <pthread.h>

#include <new>

#include "colibri/core/check.h"
#include "colibri/core/coroutine_report.h"
#include "colibri/core/launch.h"
#include "colibri/core/parking_lot.h"
#include "colibri/core/ring_engine.h"
#include "colibri/core/scheduler.h"

namespace colibri {
namespace {

/// Whatever is with the kernel for `leaf` must not wake it.
void forget_operation(const ControlBlock& leaf) noexcept {
  RingEngine* ring = thread_state.event_loop->ring();
  if (ring == nullptr || leaf.state != CoroutineState::kParked) return;
  if (leaf.wait_kind != WaitKind::kReadable && leaf.wait_kind != WaitKind::kWritable) return;
  DescriptorState* state = thread_state.event_loop->find(leaf.wait_note.descriptor);
  if (state != nullptr) ring->forget(*state, leaf);
}

/// `coroutine`, and whom it resumed, will never run again: nobody can wake or join them.
void give_up(ControlBlock& coroutine) noexcept {
  ControlBlock* each = &leaf_of(coroutine);
  // What they wait in may live on.
  withdraw(*each);
  for (;; each = each->resumer) {
    each->state = CoroutineState::kDone;
    if (each == &coroutine) return;
  }
}

void restart_or_forget_in_child() {
  EventLoop::after_fork();
  ParkingLot::wipe_in_child();
  if (can_park()) {
    thread_state.scheduler->restart_in_child();
  } else {
    EventLoop::forget_all_in_child();
    scheduler_list.keep_in_child(nullptr);
  }
}

}  // namespace

void Scheduler::abandon(ControlBlock& coroutine) {
  report_abandoned(coroutine);
  // If its owner outlives this run, the timer must not be taken for one of the next run's.
  release_timer(leaf_of(coroutine));
  forget(coroutine);
  forget_operation(leaf_of(coroutine));
  CoroutineExtras* extras = leaf_of(coroutine).extras;
  give_up(coroutine);
  // It must not be handed what others could use; nor, of pthread's locks, keep what it has been
  // handed.
  if (extras != nullptr) {
    extras->waiter.leave_queues(false);
    ParkingLot::abandon(extras->waiter);
  }
  if (!coroutine.on_shared_stack()) thread_state.stack_pool->abandon();
}

void Scheduler::watch_forks() noexcept {
  static const int registered =
      pthread_atfork(&EventLoop::before_fork, &EventLoop::after_fork, &restart_or_forget_in_child);
  check(registered == 0, "pthread_atfork failed: out of memory");
}

void Scheduler::restart_in_child() {
  ControlBlock* survivor = thread_state.current;
  while (survivor->resumer_or_null() != nullptr) survivor = survivor->resumer;
  ready_.clear();
  for (ControlBlock* each = alive_; each != nullptr; each = each->next_alive) {
    if (each == survivor) continue;
    release_timer(leaf_of(*each));
    CoroutineExtras* extras = leaf_of(*each).extras;
    if (extras != nullptr) extras->waiter.leave_queues(true);
    give_up(*each);
  }
  // The others exist in the parent only; here, their stacks stay as they are and never run.
  survivor->next_alive = survivor->previous_alive = nullptr;
  alive_ = survivor;
  alive_count_ = 1;
  for (AliveCursor* each = cursors_; each != nullptr; each = each->other) each->next = nullptr;
  lone_child_ = lone_child_ || survivor != main_;
  main_ = survivor;
  scheduler_list.keep_in_child(&place_);
  // A thread that is not here any more may have been waking this scheduler.
  ::new (&mailbox_->lock) SmallLock;
  event_loop_.restart_in_child();
}

}  // namespace colibri
