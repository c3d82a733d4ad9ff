#include "colibri/core/coroutine.h"

#include "colibri/core/check.h"
#include "colibri/core/local.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

/// The error of the coroutine that ended last, until its resumer has been told. Who was resumed and
/// who ended are not the same where one transferred to the other.
constinit thread_local std::exception_ptr* last_error = nullptr;

}  // namespace

StackPointer Coroutine::end_resumed_coroutine(ControlBlock& self) noexcept {
  self.state = CoroutineState::kDone;
  return switch_for_good(self, resumer_of(self));
}

void Coroutine::adopt(ControlBlock* block, const SpawnOptions& options) noexcept {
  thread_state.prepare();
  identify(*block, options);
  block->end = &Coroutine::end_resumed_coroutine;
  block_ = block;
}

void Coroutine::check_resumable() const noexcept {
  check(block_ != nullptr, "Coroutine::resume called on a coroutine that was closed or moved from");
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
}

void Coroutine::rethrow_error() {
  std::exception_ptr* error = std::exchange(last_error, nullptr);
  if (error != nullptr) std::rethrow_exception(std::exchange(*error, nullptr));
}

void Coroutine::note_error(std::exception_ptr& error) noexcept {
  error = std::current_exception();
  last_error = &error;
}

void Coroutine::transfer(Coroutine& next) {
  ControlBlock* self = thread_state.current;
  check(is_yieldable(), "Coroutine::transfer called outside a coroutine that somebody resumed");
  if (next.block_ == self) return;
  next.check_resumable();
  ControlBlock& target = *next.block_;
  target.resumer = self->resumer;
  if (self->resumer != nullptr) self->resumer->resumed = &target;
  self->state = CoroutineState::kSuspended;
  self->attention |= ControlBlock::kTransferred;
  target.state = CoroutineState::kRunning;
  thread_state.current = &target;
  switch_flow<SwitchEnding::kJump>(*self, target);
  self->attention &= static_cast<std::uint8_t>(~ControlBlock::kTransferred);
  if (self->attention != 0) throw_if_unwinding(*self);
}

void Coroutine::refuse_yield() noexcept {
  check(thread_state.current != nullptr, "Coroutine::yield called outside a coroutine");
  fail(
      "Coroutine::yield called in a coroutine that nobody resumed; colibri::yield() lets others "
      "run");
}

void Coroutine::throw_if_unwinding(const ControlBlock& self) {
  if ((self.attention & ControlBlock::kUnwinding) != 0) throw Unwind();
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
    destroy_locals(block_->locals);
    block_->sanitizer.discard();
  }
  if (thread_state.scheduler != nullptr) thread_state.scheduler->release_timer(*block_);
  thread_stack_pool().release(block_->stack);
  block_ = nullptr;
}

}  // namespace colibri
