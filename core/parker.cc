#include "colibri/core/parker.h"

#include <atomic>
#include <new>

#include "colibri/core/canceled.h"
#include "colibri/core/check.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/unpark.h"

namespace colibri {

struct ParkerState {
  std::atomic<bool> permit{false};
  std::shared_ptr<Mailbox> mailbox;
  ControlBlock* coroutine = nullptr;  // the owner's thread only; null once the Parker is gone
  bool waiting = false;               // likewise
};

namespace {

struct PermitMessage final : InboxMessage {
  explicit PermitMessage(std::shared_ptr<ParkerState> parker) : state(std::move(parker)) {}
  void deliver() noexcept override {
    if (state->coroutine != nullptr && state->waiting)
      unpark(*state->coroutine, WakeReason::kFired);
  }
  std::shared_ptr<ParkerState> state;
};

}  // namespace

void Unparker::unpark() const noexcept {
  // Who finds the permit given already leaves the waking to whoever gave it.
  if (state_->permit.exchange(true, std::memory_order_acq_rel)) return;
  if (thread_state.scheduler != nullptr && thread_state.scheduler->mailbox() == state_->mailbox) {
    PermitMessage(state_).deliver();
    return;
  }
  auto* message = new (std::nothrow) PermitMessage(state_);
  check(message != nullptr, "Unparker::unpark: out of memory, and a wake-up must not be lost");
  state_->mailbox->post(message);
}

Parker::Parker() : state_(std::make_shared<ParkerState>()) {
  check(thread_state.current != nullptr,
        "Parker made outside a coroutine; wrap main in colibri::run()");
  state_->mailbox = Scheduler::current("Parker").mailbox();
  state_->coroutine = thread_state.current;
}

Parker::~Parker() {
  state_->coroutine = nullptr;
}

void Parker::park() {
  if (!park_until(Deadline::never())) throw_if_failed(WakeReason::kTimeout, "Parker::park");
}

bool Parker::park_until(Deadline deadline) {
  while (!state_->permit.exchange(false, std::memory_order_acq_rel)) {
    state_->waiting = true;
    const WakeReason reason = Scheduler::current("Parker::park").park({.deadline = deadline});
    state_->waiting = false;
    if (reason == WakeReason::kTimeout) return state_->permit.exchange(false);
    throw_if_failed(reason, "Parker::park");
  }
  return true;
}

}  // namespace colibri
