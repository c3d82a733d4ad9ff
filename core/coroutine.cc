#include "colibri/core/coroutine.h"

#include "colibri/core/check.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

/// The flow that a coroutine gives control back to.
Flow& resumer_of(ControlBlock& coroutine) noexcept {
  ControlBlock* resumer = coroutine.resumer;
  thread_state.current = resumer;
  if (resumer == nullptr) return thread_state.own_flow;
  resumer->state = CoroutineState::kRunning;
  resumer->resumed = nullptr;
  return *resumer;
}

void end_resumed_coroutine(ControlBlock& self) noexcept {
  self.state = CoroutineState::kDone;
  switch_for_good(self, resumer_of(self));
}

}  // namespace

void Coroutine::adopt(ControlBlock* block, const SpawnOptions& options) noexcept {
  thread_state.prepare();
  identify(*block, options);
  block->end = &end_resumed_coroutine;
  block_ = block;
}

void Coroutine::resume() {
  check(block_ != nullptr, "Coroutine::resume called on a coroutine that was moved from");
  switch (block_->state) {
    case CoroutineState::kCreated:
    case CoroutineState::kSuspended:
      break;
    case CoroutineState::kDone:
      fail("cannot resume a coroutine that has ended; ask done() first");
    case CoroutineState::kRunning:
    case CoroutineState::kResuming:
      fail("cannot resume a coroutine that is running already");
    case CoroutineState::kParked:
    case CoroutineState::kReady:
      fail("cannot resume a coroutine that waits in a blocking call of its own");
  }
  switch_in();
  if (*error_) std::rethrow_exception(std::exchange(*error_, nullptr));
}

void Coroutine::switch_in() noexcept {
  ThreadState& thread = thread_state;
  ControlBlock* resumer = thread.current;
  block_->resumer = resumer;
  block_->state = CoroutineState::kRunning;
  thread.current = block_;
  if (resumer != nullptr) {
    resumer->state = CoroutineState::kResuming;
    resumer->resumed = block_;
    switch_flow<SwitchEnding::kJump>(*resumer, *block_);
  } else {
    switch_flow<SwitchEnding::kJump>(thread.own_flow, *block_);
  }
}

void Coroutine::yield() {
  ControlBlock* self = thread_state.current;
  check(self != nullptr, "Coroutine::yield called outside a coroutine");
  check(self->end == &end_resumed_coroutine,
        "Coroutine::yield called in a coroutine that nobody resumed; colibri::yield() lets others "
        "run");
  self->state = CoroutineState::kSuspended;
  switch_flow<SwitchEnding::kJump>(*self, resumer_of(*self));
  if ((self->attention & ControlBlock::kUnwinding) != 0) [[unlikely]]
    throw Unwind();
}

bool Coroutine::done() const noexcept {
  return state() == CoroutineState::kDone;
}

CoroutineState Coroutine::state() const noexcept {
  return block_ == nullptr ? CoroutineState::kDone : block_->state;
}

void Coroutine::close() noexcept {
  if (block_ == nullptr) return;
  if (block_->state == CoroutineState::kSuspended) {
    block_->attention |= ControlBlock::kUnwinding;
    switch_in();
    check(block_->state == CoroutineState::kDone,
          "a coroutine that is being destroyed yielded again; do not yield in destructors or in "
          "catch (...) blocks that swallow");
  }
  check(block_->state == CoroutineState::kDone || block_->state == CoroutineState::kCreated,
        "a Coroutine was destroyed while it runs or waits");
  if (block_->state == CoroutineState::kCreated) {
    block_->destroy_callable(block_->callable);
    block_->sanitizer.discard();
  }
  thread_stack_pool().release(block_->stack);
  block_ = nullptr;
}

}  // namespace colibri
